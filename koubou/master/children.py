"""Whom the master has started itself, by what nobody can change of himself: his number, and when he was born."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from subprocess import Popen

from koubou.leash.tree import Process, look
from koubou.master.nursery import Nursery


class Children:
    """The master's own children; whoever else is its child has come to it. Where there is a `nursery` it forks them."""

    def __init__(self) -> None:
        self.nursery: Nursery | None = None
        self._born: dict[int, int] = {}
        self._lock = threading.Lock()

    def start(self, begin: Callable[[], Popen[bytes]]) -> Popen[bytes]:
        """Start one from any thread: whoever looks for orphans meanwhile waits, and then knows it. Raises OSError."""
        with self._lock:
            process = begin()
            self._note(process.pid)
        return process

    def note(self, pid: int) -> None:
        """It was started in this very turn of the loop: nobody has looked for orphans meanwhile. Raises OSError."""
        with self._lock:
            self._note(pid)

    def are_forked_by(self, nursery: Nursery) -> None:
        """From now on; it is one of them itself. Raises OSError."""
        self.nursery = nursery
        self.note(nursery.open())

    def look_after_nursery(self) -> None:
        """One that has ended is taken away, and another one loads what it will be asked for."""
        if self.nursery is not None:
            with suppress(OSError):  # whoever needs it hears why it cannot be had
                self.note(self.nursery.open())

    def forget(self, pid: int) -> None:
        """It has ended and was waited for."""
        with self._lock:
            self._born.pop(pid, None)

    def __contains__(self, process: Process) -> bool:
        with self._lock:
            return self._born.get(process.pid) == process.born

    def _note(self, pid: int) -> None:
        process = look(pid)
        if process is None:
            raise ProcessLookupError(f"process {pid} cannot be looked at")
        self._born[pid] = process.born
