"""A stream of server-sent events, cut at its blank lines as it comes: the bytes of each event, and what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec

_END = re.compile(rb"\r?\n\r?\n")
_LONGEST = 16 * 1024 * 1024
"""Bytes of one event; a provider's largest says a whole answer again."""


class Events:
    """Takes the stream in any pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, object]]:
        """The events that are complete with this piece. Raises ValueError for one that is not JSON, or has no end."""
        whole = self._rest + piece if self._rest else piece
        start = 0
        for end in _END.finditer(whole):
            raw = whole[start : end.end()]
            start = end.end()
            self._rest = whole[start:]
            yield raw, said(raw)
        self._rest = whole[start:]
        if len(self._rest) > _LONGEST:
            raise ValueError("an event without an end")

    @property
    def rest(self) -> bytes:
        """What came behind the last complete event."""
        return self._rest


def said(raw: bytes) -> object:
    """What an event says: its data as JSON, None where it has none. Raises ValueError."""
    lines = [line[5:].strip() for line in raw.splitlines() if line.startswith(b"data:")]
    data = lines[0] if len(lines) == 1 else b"\n".join(lines)
    if not data or data == b"[DONE]":
        return None
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return json.loads(data)  # half a surrogate pair, as an escape
    except RecursionError:
        raise ValueError("nested too deeply") from None
