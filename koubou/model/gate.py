"""A call that an agent makes: what the gateway asks the master before it lets it through, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from koubou.model.instant import Milliseconds


class Wanted(Struct, frozen=True, kw_only=True):
    """A call of a run that waits at the gate. `ticket` is the worker's number of it; never used twice by a worker.

    `input_tokens` is the most that its input can count as, `cap` the most output that the agent asks for (None: it does
    not say). `tier` is whose provider is asked.
    """

    task: str
    run: int
    ticket: int
    tier: str
    input_tokens: int
    cap: int | None = None


class Granted(Struct, frozen=True, kw_only=True):
    """It is held for, durably: it may be sent with at most `cap` output tokens, and ends with a result of its own."""

    ticket: int
    call: str
    cap: int


class Denial(StrEnum):
    """What stands in the way of a call."""

    BUDGET = "budget"
    """No account bears it: the agent is to stop."""
    RATE = "rate"
    """The provider is asked as fast as it may be: ask again after `wait`."""
    REST = "rest"
    """The provider's model is left alone (its circuit is open), or its tier is not offered."""
    SECRECY = "secrecy"
    """The task is confidential, and the tier not local."""
    STOP = "stop"
    """The run is over, or the workshop stops everything."""


class Denied(Struct, frozen=True, kw_only=True):
    """It must not be sent; where there is a `wait`, it may be asked for again after it.

    `message` is ours and holds no task text; `facts` are numbers for whoever reads the refusal: `limit_source, scope,
    limit, spent, held, resets_at, remedy_hint` where it is about money.
    """

    ticket: int
    why: Denial
    message: str
    wait: Milliseconds | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
