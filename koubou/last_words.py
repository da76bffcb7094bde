"""Where a process stood when it died: files, lines and names of functions, never what they were working on.

The parent gives its child a descriptor of a piece of memory; a fatal signal (SIGSEGV, or SIGABRT for one that hangs)
writes the stacks of all threads there, without the interpreter's help, and the parent reads it when the child is gone.
"""

from __future__ import annotations

import faulthandler
import os
from contextlib import suppress

VARIABLE = "KOUBOU_LAST_WORDS"
_MOST = 64 * 1024
_MOST_LINES = 60


def paper() -> int:
    """A descriptor for a child's last words, to be passed on; its number goes into `VARIABLE`."""
    return os.memfd_create("koubou-last-words")


def listen() -> None:
    """In the child, first thing: write there when a fatal signal comes. Nothing happens without a descriptor."""
    number = os.environ.pop(VARIABLE, "")
    if number.isdecimal():
        with suppress(OSError, ValueError):
            os.set_inheritable(int(number), False)
            faulthandler.enable(file=int(number), all_threads=True)


def read(descriptor: int) -> list[str]:
    """In the parent: what was written, by line, the innermost frame of each thread first."""
    try:
        text = os.pread(descriptor, _MOST, 0).decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][:_MOST_LINES]
