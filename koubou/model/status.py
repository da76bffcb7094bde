"""Where a task stands, and the table of moves between. Start here.

        ┌──────── retried ◄─────────────────────────────┐
        ▼                                               │
pending ─ classified ─► routing ─ routed ─► pending ─ admitted ─► assigned ─ started ─► in_progress ─► completed
                                                                                                    └► failed
and `cancelled` from everywhere that is not an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from koubou.errors import IllegalMove
from koubou.model.instant import Instant


class Status(StrEnum):
    """The seven words of the board."""

    PENDING = "pending"
    ROUTING = "routing"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDS = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Move(StrEnum):
    """What can happen to a task; the past tense of what was done to it."""

    CLASSIFIED = "classified"
    ROUTED = "routed"
    PARKED = "parked"
    ADMITTED = "admitted"
    STARTED = "started"
    RETRIED = "retried"
    FINISHED = "finished"  # what came of an earlier run is enough
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_PENDING, _ROUTING, _ASSIGNED, _IN_PROGRESS = Status.PENDING, Status.ROUTING, Status.ASSIGNED, Status.IN_PROGRESS
_ENDING: Mapping[Move, Status] = {Move.FAILED: Status.FAILED, Move.CANCELLED: Status.CANCELLED}
_AT_WORK: Mapping[Move, Status] = {
    Move.RETRIED: _ROUTING,
    Move.PARKED: _PENDING,
    Move.COMPLETED: Status.COMPLETED,
    Move.FINISHED: Status.COMPLETED,
    **_ENDING,
}

TRANSITIONS: Mapping[Status, Mapping[Move, Status]] = MappingProxyType(
    {
        _PENDING: {
            Move.CLASSIFIED: _ROUTING,
            Move.ROUTED: _PENDING,
            Move.RETRIED: _ROUTING,
            Move.PARKED: _PENDING,
            Move.ADMITTED: _ASSIGNED,
            Move.FINISHED: Status.COMPLETED,
            **_ENDING,
        },
        _ROUTING: {
            Move.CLASSIFIED: _ROUTING,  # one that ended too early to be classified, and is tried again
            Move.ROUTED: _PENDING,
            Move.PARKED: _PENDING,
            Move.FINISHED: Status.COMPLETED,
            **_ENDING,
        },
        _ASSIGNED: {Move.STARTED: _IN_PROGRESS, **_AT_WORK},
        _IN_PROGRESS: _AT_WORK,
        Status.COMPLETED: {},
        Status.FAILED: {Move.RETRIED: _ROUTING},
        Status.CANCELLED: {Move.RETRIED: _ROUTING},
    }
)


def after(status: Status, move: Move) -> Status:
    """The status that `move` leads to from `status`. Raises IllegalMove where the table has no such move."""
    try:
        return TRANSITIONS[status][move]
    except KeyError:
        raise IllegalMove(f"a task that is {status} cannot be {move}") from None


class Waiting(StrEnum):
    """Which step a task waits for; None once it has ended."""

    CLASSIFY = "classify"
    ROUTE = "route"
    ADMIT = "admit"
    RUN = "run"
    FILE = "file"


class ParkReason(StrEnum):
    """Why a task waits that could otherwise go on."""

    SCHEDULE = "schedule"
    DEPENDENCY = "dependency"
    BUDGET = "budget"
    RATE = "rate"
    TIER = "tier"
    SECRECY = "secrecy"
    SANDBOX = "sandbox"
    INTERRUPTED = "interrupted"
    OPERATOR = "operator"


class Park(Struct, frozen=True, kw_only=True):
    """A wait with its reason; `until` is None when an event, not a time, frees it."""

    reason: ParkReason
    detail: str
    until: Instant | None = None
