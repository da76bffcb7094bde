"""What programs are told when tasks and sessions end: to whom, of what, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from koubou.model.instant import DAY, Instant, Milliseconds

SESSION_DONE = "session_done"


class Target(Struct, frozen=True, kw_only=True):
    """One of the settings: a webhook with its secret, or a command. `problem` = why the secret is not there."""

    events: Sequence[str]
    webhook: str | None = None
    secret: str = ""
    command: Sequence[str] = ()
    problem: str | None = None

    def __repr__(self) -> str:
        return f"Target(events={self.events!r})"  # never the address, nor the secret


class Notify(Struct, frozen=True, kw_only=True):
    """Who is told of which tasks. `sessions` are patterns with `*`."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    types: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sessions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    default: Sequence[str] = ()
    give_up_after: Milliseconds = 3 * DAY


class Notification(Struct, frozen=True, kw_only=True):
    """Something to be told to one target; owed on the board until it has arrived. `marker` is the same at every try."""

    id: int
    marker: str
    target: str
    body: str
    at: Instant
    tries: int
