"""One subprocess that serves one tier, by incarnation."""

from __future__ import annotations

from msgspec import Struct


class WorkerIdentity(Struct, frozen=True, kw_only=True):
    """Who a process is: PIDs are used again, so its start time (clock ticks) and the boot belong to it."""

    id: str
    tier: str
    pid: int
    born: int
    boot: str


class Bench(Struct, frozen=True, kw_only=True):
    """A worker that takes work, and how many more calls it can run at once."""

    worker: str
    tier: str
    room: int
