"""One line on standard error that says how far a long command has come; only where a person watches it."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_BETWEEN = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """Use it in a `with`; the line is wiped away at the end."""

    def __init__(self) -> None:
        self._shown = False
        self._told_at = float("-inf")
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.wipe()

    def say(self, text: str) -> None:
        """How far it is now; told a few times a second at most."""
        if self._watched and time.monotonic() - self._told_at >= _BETWEEN:
            self._told_at = time.monotonic()
            self._shown = True
            print(f"{_CLEAR}{text}", end="", file=sys.stderr, flush=True)

    def wipe(self) -> None:
        """Make room for something else."""
        if self._shown:
            self._shown = False
            print(_CLEAR, end="", file=sys.stderr, flush=True)
