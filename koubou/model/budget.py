"""The money settings as the steps see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo

from msgspec import Struct, field

from koubou.model.instant import Instant
from koubou.model.money import Nano


class Limits(Struct, frozen=True, kw_only=True):
    """A limit in each dimension, in its unit; None = no limit."""

    usd: Nano | None = None
    tokens: int | None = None
    calls: int | None = None
    time: int | None = None
    file_edits: int | None = None
    commands: int | None = None

    def of(self, dimension: str) -> int | None:
        """The limit in one dimension."""
        found: int | None = getattr(self, dimension)
        return found


NO_LIMITS = Limits()
SetLimits = Mapping[tuple[str, str], int | None]
"""What a person set in place of the settings, by scope (`month`, `task:ID` …) and dimension; None = no limit."""


class LimitByHand(Struct, frozen=True, kw_only=True):
    """One of them, with who set it and why."""

    scope: str
    dimension: str
    amount: int | None
    actor: str
    reason: str
    at: Instant


class Budget(Struct, frozen=True, kw_only=True):
    """Limits in nano-dollars (None = no limit); thresholds are shares of the monthly limit.

    `types` has the limits of one task by its type, complete; `task` those of all others, up to which a type's limits
    make room for a long prompt. `agents` is the least that a task of an agent gets. `tiers`, `models` and `submitters`
    (by uid; `submitter` for all others) limit what they use in a month.
    """

    monthly: Nano | None
    daily: Nano | None = None
    weekend: Nano | None = None
    task: Limits = NO_LIMITS
    types: Mapping[str, Limits] = field(default_factory=dict)
    agents: Limits = NO_LIMITS
    session: Limits = NO_LIMITS
    tiers: Mapping[str, Limits] = field(default_factory=dict)
    models: Mapping[str, Limits] = field(default_factory=dict)
    submitters: Mapping[int, Limits] = field(default_factory=dict)
    submitter: Limits = NO_LIMITS
    overdraft_usd: Nano = 0
    overdraft_tokens: int = 0
    warn_at: float = 0.8
    reject_at: float = 1.0
    ceiling_at: float = 1.0
    emergency_at: float = 1.5
    timezone: tzinfo = UTC
    stop_agents: bool = True
    """Whether the emergency stop also ends agents at work, or only lets nothing new begin."""
    usual_output: Mapping[str, int] = field(default_factory=dict)
    """Tokens that a task of each type usually writes: what is estimated by, never what is held by."""
