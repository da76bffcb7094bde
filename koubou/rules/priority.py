"""How urgent a task is, and how that grows while it waits.

The effective priority is the task's own, one more for each 30 s of waiting up to 10, one less once it used more than
half of its own budget; and never less than that of whoever waits for it. It reaches 10 at a moment that is known from
the start: `ripe_at`. Who ripens first goes first: that is the order of effective priority below 10, and of arrival
there, so that nobody who comes later overtakes a ripe task for ever. Of those who wait for it the earliest counts.
"""

from __future__ import annotations

from koubou.model.account import Account
from koubou.model.instant import SECOND, Instant, Milliseconds

RIPE = 10
STEP: Milliseconds = 30 * SECOND
"""Of waiting makes a task more urgent by one."""


def waiting_since(created_at: Instant, not_before: Instant | None) -> Instant:
    """From when on waiting counts: a time that was over when the task came makes it no more urgent."""
    return max(created_at, not_before or created_at)


def ripe_at(since: Instant, priority: int, *, half_used: bool) -> Instant:
    """When a task that nobody waits for is as urgent as anything can be."""
    return since + (RIPE - priority + half_used) * STEP


def effective(ripe: Instant, now: Instant) -> float:
    """The priority of a task at a moment; below 1 for one whose time has not come."""
    return RIPE - max(0, ripe - now) / STEP


def is_half_used(account: Account) -> bool:
    """Whether more than half of it is spent."""
    return account.limit is not None and account.settled * 2 > account.limit
