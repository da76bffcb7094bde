"""The journal: one JSON line per event on stdout, written by a thread of its own so that nothing ever waits for it."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

import structlog
import structlog.testing

_ROOM = 20_000
_AT_ONCE = 500
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Journal:
    """Say an event and go on. A blocked stdout fills the queue; what no longer fits is counted and told later.

    The fields are ids, numbers, categories and our own sentences, never task text or titles.
    """

    def __init__(self, *, stream: TextIO | None = None, form: str = "json", level: str = "info") -> None:
        self._stream = stream or sys.stdout
        self._least = _LEVELS[level]
        self._lines: queue.SimpleQueue[tuple[str, str, Mapping[str, Any]] | None] = queue.SimpleQueue()
        self.dropped = 0
        self._listener: Callable[[str, Mapping[str, Any]], None] | None = None
        self._told_dropped = 0
        encoder = json.JSONEncoder(ensure_ascii=False, default=repr)
        renderer = (
            structlog.processors.JSONRenderer(serializer=lambda line, **_: encoder.encode(line))
            if form == "json"
            else structlog.dev.ConsoleRenderer(colors=self._stream.isatty())
        )
        # Bound once, so that a line costs its words and no more; a logger that hands its line back, so that many lines
        # are written together.
        self._log = structlog.wrap_logger(
            structlog.testing.ReturnLogger(),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                renderer,
                self._writable,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(self._least),
        ).bind()
        self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
        self._writer.start()

    def say(self, event: str, level: str = "info", **fields: Any) -> None:
        """Note an event of the vocabulary. Never blocks, never raises."""
        if self._listener is not None:
            self._listener(event, fields)
        if _LEVELS[level] < self._least:
            return
        if self._lines.qsize() >= _ROOM:
            self.dropped += 1
            return
        self._lines.put((event, level, fields))

    def listen(self, listener: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Have every event told to `listener` too, whatever its level; it must not raise."""
        self._listener = listener

    def close(self, patience: float = 2.0) -> None:
        """Write what is queued, for so many seconds at most."""
        self._lines.put(None)
        self._writer.join(patience)

    def _writable(self, _logger: object, _method: str, line: Any) -> str:
        """A file's name may hold bytes that are no text: they are escaped as JSON does it, so that the line is said."""
        encoding = self._stream.encoding or "utf-8"
        return str(line).encode(encoding, "backslashreplace").decode(encoding)

    def _write(self) -> None:
        ending = False
        while not ending:
            said = [self._lines.get()]
            with suppress(queue.Empty):
                while len(said) < _AT_ONCE:
                    said.append(self._lines.get_nowait())
            ending = None in said
            if self.dropped > self._told_dropped and self._lines.qsize() < _ROOM // 2:
                self._told_dropped = self.dropped
                said.append(("journal.dropped", "warning", {"count": self.dropped}))
            lines = [getattr(self._log, level)(event, **fields) for event, level, fields in filter(None, said)]
            try:
                self._stream.write("".join(f"{line}\n" for line in lines))
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads stdout any more: the board has the history, and the work goes on.
                self.dropped += len(lines)
