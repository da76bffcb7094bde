"""What a leash and its parent say to one another: one JSON object a line, with its `type`; no I/O here.

To the leash: `orders` (first, once), `end`. From it: `started`, `grown`, `stuck`, and `over` as its last word.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False  # typing takes 4 ms to import, as much as all the rest of the leash
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
LONGEST = 4 * 1024 * 1024
"""The longest line, in bytes: an environment and an argument list that the kernel takes fit in."""


class BadWords(Exception):
    """The other end says what cannot be understood."""


def line(kind: str, **members: object) -> bytes:
    """The bytes of one word."""
    return json.dumps({"version": VERSION, "type": kind, **members}, separators=(",", ":")).encode("ascii") + b"\n"


class Lines:
    """Puts lines together again, in whatever pieces they come."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The words that `data` completes. Raises BadWords."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            raise BadWords("a line does not end")
        return [_word(each) for each in whole]


def _word(text: bytes) -> dict[str, Any]:
    try:
        word = json.loads(text)
    except ValueError:
        raise BadWords("a line is not JSON") from None
    if type(word) is not dict or type(word.get("type")) is not str:
        raise BadWords("a line is no word")
    if word.get("version") != VERSION:
        raise BadWords("another version is spoken: stop the workshop and start it again")
    return word
