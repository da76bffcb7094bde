"""One subprocess that serves one tier, by incarnation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerIdentity:
    """Who a process is: PIDs are used again, so its start time (clock ticks) and the boot belong to it."""

    id: str
    tier: str
    pid: int
    born: int
    boot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A worker that takes work, and how many more calls it can run at once."""

    worker: str
    tier: str
    room: int
