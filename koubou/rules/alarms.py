"""What a guardian should hear of people: that one is refused again and again, that one spends far more than usual."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from koubou.model.access import Caller
from koubou.model.instant import DAY, MINUTE, SECOND, Instant, Milliseconds
from koubou.model.money import USD, Nano

REFUSED_ACCESS = "refused_access"
UNUSUAL_SPEND = "unusual_spend"
KINDS = frozenset({REFUSED_ACCESS, UNUSUAL_SPEND})
"""Kinds of notices that tell of people; nothing was stopped for them."""

MOST_REFUSED = 10
WITHIN: Milliseconds = 10 * MINUTE
MOST_CALLERS = 1_000
"""Of whom it is kept how often they were refused; all others count as one."""
THE_OTHERS = "others"
NOBODY = "nobody"
"""The actor of a request that says not even who asks."""

DAYS_BACK = 14
_USUAL_DAYS = 3
_TIMES = 5
_LITTLE: Nano = USD

_FREE_TRIES = 3
_LONGEST_DELAY = 30 * SECOND


class Refusals(Struct, frozen=True, kw_only=True):
    """How often somebody was refused since a moment, and when the guardian heard of him last."""

    since: Instant
    count: int
    told_at: Instant | None = None


def after_refusal(before: Refusals | None, now: Instant, times: int = 1) -> Refusals:
    """So many more; ten minutes after the first of them the count begins anew."""
    if before is None or not 0 <= now - before.since < WITHIN:
        return Refusals(since=now, count=times, told_at=None if before is None else before.told_at)
    return Refusals(since=before.since, count=before.count + times, told_at=before.told_at)


def is_to_be_told(refusals: Refusals, now: Instant) -> bool:
    """Whether the guardian should hear of it: once a day at most."""
    return refusals.count >= MOST_REFUSED and _not_today(refusals.told_at, now)


def who_was_refused(caller: Caller) -> str:
    """By what a caller is counted: by name, or by where he comes from where he says no name that can be trusted."""
    return caller.source if caller.actor == NOBODY else caller.actor


def delay_after(failures: int) -> Milliseconds:
    """How long whoever failed so often to prove who he is waits for his next answer: not at first, then ever longer."""
    return 0 if failures < _FREE_TRIES else min(SECOND << min(failures - _FREE_TRIES, 10), _LONGEST_DELAY)


def is_unusual(today: Nano, days: Sequence[Nano]) -> bool:
    """Whether somebody's spending of today is far above his usual: `days` are the last fourteen, as far as he spent.

    Five times the median, and more than a dollar; of who has spent on fewer than three days nobody knows what is usual.
    """
    return len(days) >= _USUAL_DAYS and today > _LITTLE and today > _TIMES * median(days)


def is_spend_to_be_told(told_at: Instant | None, now: Instant) -> bool:
    """Whether the guardian has not heard of his spending for a day."""
    return _not_today(told_at, now)


def _not_today(told_at: Instant | None, now: Instant) -> bool:
    return told_at is None or not 0 <= now - told_at < DAY
