"""Whom the master has started itself, by what nobody can change of himself: his number, and when he was born."""

from __future__ import annotations

from koubou.leash.tree import Process, look


class Children:
    """The master's own children; whoever else is its child has come to it."""

    def __init__(self) -> None:
        self._born: dict[int, int] = {}

    def note(self, pid: int) -> None:
        """It was started in this very turn of the loop: nobody has looked for orphans meanwhile. Raises OSError."""
        process = look(pid)
        if process is None:
            raise ProcessLookupError(f"process {pid} cannot be looked at")
        self._born[pid] = process.born

    def forget(self, pid: int) -> None:
        """It has ended and was waited for."""
        self._born.pop(pid, None)

    def __contains__(self, process: Process) -> bool:
        return self._born.get(process.pid) == process.born
