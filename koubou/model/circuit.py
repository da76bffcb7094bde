"""How a provider's model has served lately: a circuit breaker that is closed, open, or half open."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from koubou.model.instant import MINUTE, Instant, Milliseconds


class CircuitState(StrEnum):
    """Closed lets calls through, open none, half open one at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit(Struct, frozen=True, kw_only=True):
    """One breaker. `recent` are its last calls, oldest first: + or -, and empty while all were good.

    `wait` is how long it stays open, and grows; `retry_at` is when it is looked at again, None = when a person says so.
    `opened_at` stands until it has closed again; calls begun before `changed_at` say nothing of the present state.
    `quiet_until` is what the provider asked for, whatever the state.
    """

    name: str
    state: CircuitState = CircuitState.CLOSED
    recent: str = ""
    successes: int = 0
    wait: Milliseconds = 0
    retry_at: Instant | None = None
    quiet_until: Instant | None = None
    reason: str = ""
    opened_at: Instant | None = None
    changed_at: Instant = 0


class BreakerRules(Struct, frozen=True, kw_only=True):
    """When a circuit opens: after so many failures in a row, or as the share of the last calls; and how it closes.

    It stays open for `wait`, twice as long each time that it was tried in vain, `longest_wait` at most.
    """

    in_a_row: int = 5
    of_last: int = 20
    share: float = 0.5
    wait: Milliseconds = MINUTE
    longest_wait: Milliseconds = 15 * MINUTE
    successes: int = 3


class Health(Struct, frozen=True, kw_only=True):
    """How a server answered when it was asked how it is: one small request that costs nothing, made a few times."""

    well: bool
    reason: str
