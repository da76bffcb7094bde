"""The same texts read as they are meant: in plain characters, nothing hidden, and with what is encoded decoded.

A secret is found in a text as it stands or as it is meant. Lines stay lines, so that a finding keeps its place.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Sequence
from html import unescape
from urllib.parse import unquote_to_bytes

HIDDEN = re.compile(
    "[\0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""Characters that are not seen: of no width, of direction, of choice of form, tags."""
_DASHES = (
    "\u058a\u05be\u1400\u1806\u2010-\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\ufe58\ufe63"
)
_DASH = re.compile(f"[{_DASHES}]")
_DROPPED = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "")
"""The controls of ASCII but for tab and line ends; `translate` drops them from ASCII in 10 µs for 10 kB."""
_DROP = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u0300-\u036f]+")
"""Controls, and the marks of letters that have no letter of their own: what is struck out or underlined."""
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_COLON = re.compile("[\u02d0\u2236\ua789]")
_ONE_FOR_ONE = (
    {0xFF01 + place: 0x21 + place for place in range(94)}
    | {ord(blank): 0x20 for blank in "\u00a0\u1680\u202f\u205f\u3000"}
    | dict.fromkeys(range(0x2000, 0x200B), 0x20)
    | dict.fromkeys((*range(0x2010, 0x2014), 0x2212), 0x2D)
    | {0x130: 0x49}
)
"""Full-width signs, blanks and short dashes as ASCII; and the one capital whose lower case is two letters."""
_UNEVEN = re.compile(f"[{''.join(map(chr, _ONE_FOR_ONE))}]+")
_LATIN = dict(
    zip(
        map(ord, "аеорсухіјѕԁһӏԛԝкмтпАВЕКМНОРСТХІЈЅУαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"),
        "aeopcyxijsdhlqwkmtnABEKMHOPCTXIJSYaeiknoptuxABEZHIKMNOPTYXabcdefghijklmnoprstuvwyz",
        strict=True,
    )
)
"""The commonest letters of Cyrillic and Greek that look like Latin ones, and small capitals."""
_LOOKALIKE = re.compile(f"[{''.join(map(chr, _LATIN))}]+")
_PIECE = 500
"""Characters that are composed at once: sorting the marks of one letter takes the square of their number."""
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){1,200}")
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_ENTITY = re.compile(r"(?:&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,6}|[a-zA-Z]{2,8});)+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
"""Without a bound, and linear all the same: nothing has to follow, so that nothing is tried twice."""
_IN_LINES = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}(?:\r?\n[ \t]{0,12}[A-Za-z0-9+/_-]{2,}={0,2}(?=\s|\Z))*")
_CONTROLS = dict.fromkeys((*range(32), 0x85, 0x2028, 0x2029), " ")
_PROBE = 48


def readings(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the texts that say something else when they are decoded, with what they say then."""
    found = [(where, text, meant(text)) for where, text in texts]
    return [(where, read) for where, text, read in found if not _says_the_same(text, read)]


def _says_the_same(text: str, read: str) -> bool:
    """Whether only signs of print stand otherwise, which the first look sees as they are meant."""
    if text == read:
        return True
    spelt_out = text.replace("…", "...").replace("—", "-")
    return spelt_out == read or (not text.isascii() and even(spelt_out) == read)


def even(text: str) -> str:
    """A text with full-width signs, blanks and short dashes as ASCII, one for one."""
    return text if text.isascii() else _UNEVEN.sub(lambda match: match[0].translate(_ONE_FOR_ONE), text)


def meant(text: str) -> str:
    """A text in plain characters without what hides in it, decoded where it is encoded; the same number of lines."""
    text = plain(text)
    read = _decode(text)
    return read if read == text else plain(read)


def plain(text: str) -> str:
    """A text as it looks: composed (NFKC), with simple blanks and dashes, in the letters that are seen."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if text.isascii():
        return text.translate(_DROPPED)
    text = _composed(HIDDEN.sub("", text)) if HIDDEN.search(_letters(text)) else _composed(text)
    letters = _letters(text)
    if _DROP.search(letters) or _DASH.search(letters):
        text = _DASH.sub("-", _DROP.sub("", text))
    text = text.replace("\u1680", " ")
    if not _LOOKALIKE.search(letters) and not _COLON.search(letters):
        return text
    return _LOOKALIKE.sub(_as_latin, _COLON.sub(":", text))


def _letters(text: str) -> str:
    """Every letter of a text once: what is not among these need not be looked for in all of it."""
    return "".join(set(text))


def _composed(text: str) -> str:
    """NFKC, by pieces that no letter and its marks lie across."""
    pieces, start = [], 0
    while start < len(text):
        end = start + _PIECE
        while start + _PIECE // 2 < end < len(text) and _clings(text[end]):
            end -= 1
        pieces.append(unicodedata.normalize("NFKC", text[start:end]))
        start = end
    return "".join(pieces)


def _clings(letter: str) -> bool:
    """Whether it is composed with the letter before it: marks, vowels and ends of Hangul, half-width voicing."""
    return unicodedata.combining(letter) > 0 or "\u1160" <= letter <= "\u11ff" or letter in "\uff9e\uff9f"


def _as_latin(match: re.Match[str]) -> str:
    """Look-alikes in Latin letters, where a Latin letter stands beside them."""
    start, end = match.span()
    beside = match.string[max(0, start - 1) : start] + match.string[end : end + 1]
    return match[0].translate(_LATIN) if any(one.isascii() and one.isalnum() for one in beside) else match[0]


def _decode(text: str) -> str:
    """A text with escapes, percents, references of HTML and Base64 decoded."""
    if "\\u" in text:
        text = _ESCAPED.sub(_unescaped, text)
    if "%" in text:
        text = _PERCENT.sub(_unquoted, text)
    if "&" in text:
        text = _ENTITY.sub(_unreferenced, text)
    return _IN_LINES.sub(_unwrapped, text)


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter.isprintable() else " "


def _unquoted(match: re.Match[str]) -> str:
    return unquote_to_bytes(match[0]).decode("utf-8", "replace").translate(_CONTROLS)


def _unreferenced(match: re.Match[str]) -> str:
    return unescape(match[0]).translate(_CONTROLS)


def _unwrapped(match: re.Match[str]) -> str:
    """What Base64 says in lines of one length, with as many line ends behind it; other lines say what each says."""
    lines = match[0].split()
    if len({len(line) for line in lines[:-1]}) == 1 and len(lines[-1]) <= len(lines[0]):
        joined = "".join(lines)
        read = _BASE64.sub(_decoded, joined)
        if read != joined:
            return read + "\n" * match[0].count("\n")
    return _BASE64.sub(_decoded, match[0])


def _decoded(match: re.Match[str]) -> str:
    """What Base64 says, where that is text; everything else stays as it stands."""
    run = match[0].rstrip("=").replace("-", "+").replace("_", "/")
    if not _is_text(run[:_PROBE]):
        return match[0]
    try:
        return _bytes(run).decode("utf-8", "replace").translate(_CONTROLS)
    except (binascii.Error, ValueError):
        return match[0]


def _is_text(start: str) -> bool:
    try:
        said = _bytes(start).decode("utf-8", "replace").rstrip("\ufffd").translate(_CONTROLS)
    except (binascii.Error, ValueError):
        return False
    return "\ufffd" not in said and said.isprintable()


def _bytes(run: str) -> bytes:
    """The bytes of a run of Base64; one letter that is too many is left out."""
    whole = run[:-1] if len(run) % 4 == 1 else run
    return base64.b64decode(whole + "=" * (-len(whole) % 4))
