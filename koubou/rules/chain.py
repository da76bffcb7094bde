"""The chain of the history: what one line's hash is, and what a reader who follows the hashes makes of them.

A hash is the SHA-256 of the hash before it and the line as JSON without blanks, [id, task, at, event, reason, actor,
source], in UTF-8. Whoever keeps one hash elsewhere can tell later whether anything up to that line was changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.json import encode

REMOVED = "history.removed"
"""The event that says how many lines have gone with their tasks so far; its reason begins with the number."""
CHAINED = "history.chained"
"""The event of the first line."""


def line_hash(
    before: bytes, number: int, task: int | None, at: int, event: str, reason: str, actor: str, source: str
) -> bytes:
    """The hash of a line that follows the one with the hash `before`."""
    return hashlib.sha256(before + encode((number, task, at, event, reason, actor, source))).digest()


class Link(Struct, frozen=True, kw_only=True):
    """A line of the history, with what proves it; `hash` is None for lines from before the chain."""

    id: int
    task: int | None
    at: int
    event: str
    reason: str
    actor: str
    source: str
    hash: bytes | None


class Gap(Struct, frozen=True, kw_only=True):
    """Lines that went with their tasks: from `id` to `last`, which had this hash."""

    id: int
    last: int
    hash: bytes


class Verdict(Struct, frozen=True, kw_only=True):
    """What was found. `broken` is what is wrong first; `head` the last hash, of line `head_id`.

    `proven` lines follow one another, `unproven` are from before the chain, `removed` went with their tasks.
    `since` says of a head that was kept whether it is in the chain; None where nobody asked.
    """

    proven: int = 0
    unproven: int = 0
    removed: int = 0
    head_id: int = 0
    head: str = ""
    broken: str | None = None
    since: bool | None = None


_HEAD = re.compile(r"(?:(\d{1,18}):)?([0-9a-f]{64})", re.ASCII)


def head_of(text: str) -> tuple[int | None, bytes] | None:
    """A head as it was kept, with or without the number of its line; None for what is none."""
    found = _HEAD.fullmatch(text.strip().lower())
    return (int(found[1]) if found[1] else None, bytes.fromhex(found[2])) if found else None


def follow(pieces: Iterable[Link | Gap], counted: int, kept: tuple[int | None, bytes] | None = None) -> Verdict:
    """Follow the chain to its end or to where it breaks. `pieces` come by id; `counted` lines are said to be gone."""
    before: bytes | None = None
    proven = unproven = removed = accounted = last = 0
    since: bool | None = None if kept is None else False
    broken = None
    for piece in pieces:
        broken = _wrong(piece, before, last)
        if broken is not None:
            break
        match piece:
            case Gap():
                removed += piece.last - piece.id + 1
                last, before = piece.last, piece.hash
            case Link(hash=None):
                unproven += 1
                continue
            case Link():
                proven += 1
                accounted = _said(piece) or accounted
                last, before = piece.id, piece.hash
        if kept is not None and before is not None and hmac.compare_digest(before, kept[1]):
            since = since or kept[0] in (None, last)
    if broken is None:
        broken = _unaccounted(before, removed, accounted, counted)
    head = (before or b"").hex()
    return Verdict(
        proven=proven, unproven=unproven, removed=removed, head_id=last, head=head, broken=broken, since=since
    )


def _wrong(piece: Link | Gap, before: bytes | None, last: int) -> str | None:
    if before is not None and piece.id != last + 1:
        return f"after line {last} comes line {piece.id}: what is between them is missing"
    match piece:
        case Gap():
            return f"line {piece.id} is said to be gone, and the chain has not begun" if before is None else None
        case Link(hash=None):
            return f"line {piece.id} has no hash" if before is not None else None
        case Link() if before is None and piece.event != CHAINED:
            return f"the chain begins with line {piece.id}, which does not say so"
    found = line_hash(
        before or b"", piece.id, piece.task, piece.at, piece.event, piece.reason, piece.actor, piece.source
    )
    same = piece.hash is not None and hmac.compare_digest(found, piece.hash)
    return None if same else f"line {piece.id} is not what it was, or the line before it is not"


def _said(line: Link) -> int | None:
    """How many lines had gone by then, where a line of the workshop says so."""
    if line.event != REMOVED or line.task is not None:
        return None
    number = line.reason.partition(" ")[0]
    return int(number) if number.isascii() and number.isdecimal() else None


def _unaccounted(before: bytes | None, removed: int, accounted: int, counted: int) -> str | None:
    if before is None:
        return "there is no line that is proven"
    if not removed == accounted == counted:
        return f"{removed} lines are gone, and the history tells of {accounted}"
    return None
