"""The chain of the history: what one line's hash is, and what a reader who follows the hashes makes of them.

A hash is the SHA-256 of the hash before it and the line as JSON without blanks, [id, task, at, event, reason, actor,
source], in UTF-8. Whoever keeps one hash elsewhere can tell later whether anything up to that line was changed.
"""

from __future__ import annotations

import hashlib
import json

REMOVED = "history.removed"
"""The event that says how many lines have gone with their tasks so far; its reason begins with the number."""
CHAINED = "history.chained"
"""The event of the first line."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def line_hash(
    before: bytes, number: int, task: int | None, at: int, event: str, reason: str, actor: str, source: str
) -> bytes:
    """The hash of a line that follows the one with the hash `before`."""
    line = _encode([number, task, at, event, reason, actor, source])
    return hashlib.sha256(before + line.encode("utf-8")).digest()
