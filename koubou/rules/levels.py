"""How far an account is used, in levels that are told once: of what is settled, never of what is only held."""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.account import Account
from koubou.model.money import Nano

TASK_LEVELS = (70, 90, 100)
"""Percent of a task's limit: a warning and the cheaper tier; what exists is kept; no further call."""

UNKNOWN_BORNE = 5
"""Percent of the month's limit that may be unreconciled before a tier is paused; each further such part does again."""


def levels_of(account: Account) -> Sequence[int]:
    """The levels of an account, in percent of its limit, rising."""
    if account.name.startswith("task:"):
        return TASK_LEVELS
    return (account.warn_percent, 100) if account.warn_percent < 100 else (100,)


def newly_reached(account: Account) -> int | None:
    """The highest level that is reached and has not been told; None where there is nothing to tell."""
    if account.limit is None:
        return None
    reached = [level for level in levels_of(account) if level <= account.percent]
    return reached[-1] if reached and reached[-1] > account.told else None


def is_scarce(account: Account | None) -> bool:
    """Whether its first level is reached: from then on, cheaper tiers come first."""
    return account is not None and account.limit is not None and account.percent >= levels_of(account)[0]


def is_emergency(month: Account, emergency_at: float) -> bool:
    """Whether facts stand so far above the month's limit that everything must stop."""
    return month.limit is not None and month.settled >= month.limit * emergency_at and month.settled > 0


def is_unknown_borne(unreconciled: Nano, month_limit: Nano | None) -> bool:
    """Whether so little is unknown that its tier may go on."""
    return not month_limit or unreconciled * 100 < month_limit * UNKNOWN_BORNE


def too_much_is_unknown(unreconciled: Nano, newly: Nano, month_limit: Nano | None) -> bool:
    """Whether `newly`, now part of `unreconciled`, took it past another part of the month that may be unknown."""
    if not month_limit:
        return False
    part = month_limit * UNKNOWN_BORNE
    return unreconciled * 100 // part > (unreconciled - newly) * 100 // part
