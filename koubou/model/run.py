"""One attempt at a task by one worker."""

from __future__ import annotations

from msgspec import Struct

from koubou.model.instant import Instant, Milliseconds
from koubou.model.phase import Phase


class Run(Struct, frozen=True, kw_only=True):
    """A run as the board has it. `sent_at` None: its worker was not told yet; `ended_at` None: it has a place.

    `purpose` is the phase of the task that it serves, `executor` that of its tier when it was admitted; `examined` says
    that rules and detector have looked at its answer. Of an agent: its own `session`, what it did, and how many
    calls it was let make.
    """

    task: int
    number: int
    tier: str
    worker: str
    call: str
    cap: int
    timeout: Milliseconds
    admitted_at: Instant
    sent_at: Instant | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    outcome: str | None = None
    purpose: Phase = Phase.ANSWER
    executor: str = ""
    examined: bool = False
    session: str | None = None
    edits: int = 0
    commands: int = 0
    dangerous: int = 0
    calls: int = 0
