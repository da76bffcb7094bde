"""For the parent: what a leash is to run, within which bounds, and how it ended."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from koubou.leash.mark import NAME

MEGABYTE = 1 << 20


class Command(Struct, frozen=True, kw_only=True):
    """What is run. It sees exactly this environment, and the mark; secrets belong there or in `stdin`, never in `argv`.

    `stdin` is the path of a file, None = nothing. What it says goes to the files `stdout` and `stderr`, made anew.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    stdout: str
    stderr: str
    mark: str
    stdin: str | None = None

    def __repr__(self) -> str:
        return f"Command(argv={self.argv!r}, mark={self.mark!r})"  # never the environment


class Limits(Struct, frozen=True, kw_only=True):
    """The bounds of one run, in milliseconds and bytes; None = no bound.

    `signal` asks to end, then there is `grace`; who is asked is the command, or the eldest so many steps below it as
    `signal_depth` says, where the command only walls it in. `file`, `open_files`, `address_space` and
    `processes_of_user` are the kernel's and for each process; `memory` and `processes` are for the whole tree, looked
    at four times a second.
    """

    wall: int | None
    idle: int | None = None
    grace: int = 5_000
    linger: int = 30_000
    output: int = 64 * MEGABYTE
    errors: int = 4 * MEGABYTE
    file: int | None = 1024 * MEGABYTE
    open_files: int | None = 4096
    address_space: int | None = None
    processes_of_user: int | None = None
    memory: int | None = None
    processes: int | None = None
    signal: signal.Signals = signal.SIGTERM
    signal_depth: int = 0


class Why(StrEnum):
    """What ended a run."""

    EXITED = "exited"
    """The command ended by itself; whom it left was ended with it."""
    SETTLED = "settled"
    """Its last record had come and it did not end: field notes say that agents do that."""
    WALL = "wall"
    IDLE = "idle"
    OUTPUT = "output"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    """What it said could not be written."""
    TOLD = "told"
    PARENT = "parent"
    """Its parent had gone; seen by nobody but a test."""
    NOT_STARTED = "not_started"
    LOST = "lost"
    """The leash itself was ended; its parent has ended the tree."""


class Ended(Struct, frozen=True, kw_only=True):
    """How a run ended; when it is told nothing of its tree lives. `status` or `signal` is the command's own, if known.

    `peak_rss` is the most that was seen of the tree together, or of one process; `cpu` counts all that were reaped.
    `killed` are the names of processes that had to be. `recorded` says whether the last record had come.
    """

    why: Why
    recorded: bool
    message: str = ""
    status: int | None = None
    signal: int | None = None
    wall: int = 0
    cpu: int = 0
    peak_rss: int = 0
    stdout: int = 0
    stderr: int = 0
    killed: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the work is done: the last record must have come. Status 0 alone is what agents also end with when
        they gave up, and who only does not end after its record has done its work."""
        return self.recorded and (self.why is Why.SETTLED or (self.why is Why.EXITED and self.status == 0))


def orders_of(command: Command, limits: Limits, control_group: str | None) -> dict[str, Any]:
    """The members of the word `orders`."""
    return {
        "argv": list(command.argv),
        "environment": {**command.environment, NAME: command.mark},
        "directory": command.directory,
        "stdin": command.stdin,
        "stdout": command.stdout,
        "stderr": command.stderr,
        "signal": int(limits.signal),
        "signal_depth": limits.signal_depth,
        "cgroup": control_group,
        "limits": {
            name: getattr(limits, name)
            for name in (
                *("wall", "idle", "grace", "output", "errors", "file", "open_files", "address_space"),
                *("processes_of_user", "memory", "processes"),
            )
        },
    }


def ended_of(word: Mapping[str, Any], *, recorded: bool) -> Ended:
    """What the word `over` says."""
    told = {name: value for name, value in word.items() if name not in ("version", "type", "why", "killed")}
    return Ended(why=Why(word["why"]), killed=tuple(word["killed"]), recorded=recorded, **told)
