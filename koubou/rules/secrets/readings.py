"""The same texts read as they are meant: without hidden characters, and with what is encoded decoded.

A secret is found in a text as it stands or as it is meant. Lines stay lines, so that a finding keeps its place.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

HIDDEN = re.compile(
    "[\0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
"""Characters that are not seen: of no width, of direction, of choice of form, tags."""
_STYLED = re.compile("[\u2070-\u209f\u2100-\u214f\u2460-\u24ff\uff61-\uff9f\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff]")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){1,200}")
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
"""Without a bound, and linear all the same: nothing has to follow, so that nothing is tried twice."""
_CONTROLS = dict.fromkeys((*range(32), 0x85, 0x2028, 0x2029), " ")
_PROBE = 48


def readings(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the texts that say something else when they are decoded, with what they say then."""
    found = [(where, text, meant(text)) for where, text in texts]
    return [(where, read) for where, text, read in found if read != text]


def meant(text: str) -> str:
    """A text without what hides in it, decoded where it is encoded; the same number of lines."""
    if not text.isascii():
        text = HIDDEN.sub("", text)
        if _STYLED.search(text):
            text = unicodedata.normalize("NFKC", text)
    elif "\0" in text:
        text = text.replace("\0", "")
    if "\\u" in text:
        text = _ESCAPED.sub(_unescaped, text)
    if "%" in text:
        text = _PERCENT.sub(_unquoted, text)
    return _BASE64.sub(_decoded, text)


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter.isprintable() else " "


def _unquoted(match: re.Match[str]) -> str:
    return unquote_to_bytes(match[0]).decode("utf-8", "replace").translate(_CONTROLS)


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
