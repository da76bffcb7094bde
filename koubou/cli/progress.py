"""One line on the terminal that says how far something has come, for everything that takes longer than a second.

It is written on standard error, over itself, and wiped at the end. Where that is no terminal nothing is written.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TypeVar

from koubou.model.instant import SECOND

T = TypeVar("T")

WIPE = "\r\x1b[K"
_QUIET = 1.0
"""Seconds before anything is said: what is done by then needs no word."""
_EVERY = 0.2
_WIDEST = 200
_BAR = 16


class Progress:
    """What is told of how far it is; nothing at all where nobody looks."""

    def __init__(self, what: str, stream: IO[str], *, shown: bool) -> None:
        self._what, self._stream = what, stream
        self._so_far = ""
        self._begun = time.monotonic()
        self._drawn = False
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._draw_on, name="progress", daemon=True) if shown else None
        if self._thread is not None:
            self._thread.start()

    def at(self, done: int, total: int) -> None:
        """So much of it is done."""
        from koubou.cli.say import bar

        if self._thread is not None:
            share = done / total if total > 0 else 1.0
            self._so_far = f"{bar(share, _BAR, self._stream)}  {done:,} of {total:,}"

    def each(self, things: Sequence[T]) -> Iterator[T]:
        """Each of these, with how many are done."""
        for done, thing in enumerate(things):
            self.at(done, len(things))
            yield thing

    def says(self, words: str) -> None:
        """Where it is, in words."""
        self._so_far = words

    def clear(self) -> None:
        """Wipe the line, before somebody else writes on the terminal. It comes again."""
        with self._lock:
            if self._drawn:
                self._stream.write(WIPE)
                self._stream.flush()
                self._drawn = False

    def end(self) -> None:
        """Nothing more is written."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.clear()

    def _draw_on(self) -> None:
        if self._over.wait(_QUIET):
            return
        while not self._over.is_set():
            with self._lock:
                self._stream.write(f"{WIPE}{self._line()}")
                self._stream.flush()
                self._drawn = True
            self._over.wait(_EVERY)

    def _line(self) -> str:
        import shutil

        from koubou.cli.say import lasting, one_line
        from koubou.cli.table import cut

        took = lasting(round(time.monotonic() - self._begun) * SECOND)
        words = f"{self._what} … {self._so_far}".rstrip()
        columns = min(shutil.get_terminal_size().columns, _WIDEST)
        return f"{cut(one_line(words), columns - len(took) - 3)}  {took}"


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Tell of what is done within, once it takes longer than a second, where standard error is a terminal."""
    stream = sys.stderr
    shown = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    told = Progress(what, stream, shown=shown)
    try:
        yield told
    finally:
        told.end()
