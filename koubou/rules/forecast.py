"""Where spending leads: the month's end by linear regression, the day on which a limit is reached, calls that fit.

The line is fitted to what was spent in all by the end of each day. Such sums lean on one another, so the interval is
what ordinary least squares promises, and a month that changes its ways leaves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from math import sqrt

from msgspec import Struct

from koubou.model.instant import DAY, Instant
from koubou.model.money import Nano
from koubou.rules.days import begins, day_of, following

LEAST_DAYS = 3
"""Two points lie on a line whatever they are; from three on there is something to be wrong about."""

_T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's t, 97.5 %, for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2)."""

_CENTURY = 36_525  # days


class Forecast(Struct, frozen=True, kw_only=True):
    """What will have been spent: most likely, and within which bounds in 95 of 100 cases.

    `r_squared` is how much of the differences between the days the line explains; None where the days do not differ.
    """

    amount: Nano
    low: Nano
    high: Nano
    per_day: Nano
    r_squared: float | None
    days: int


def points(spent: Mapping[date, Nano], first: date, now: Instant, zone: tzinfo) -> list[tuple[float, Nano]]:
    """(days since `first` began, spent since then) at the end of each day, and now for today."""
    found: list[tuple[float, Nano]] = []
    today, day, total = day_of(now, zone), first, 0
    while day <= today:
        total += spent.get(day, 0)
        whole = (day - first).days
        found.append((whole + _part_of_day(now, day, zone) if day == today else whole + 1.0, total))
        day = following(day)
    return found


def forecast(points: Sequence[tuple[float, Nano]], end: float) -> Forecast | None:
    """What will have been spent at `end`, in days, by ordinary least squares; None of fewer than three points.

    Never less than what is spent already: money does not come back by waiting.
    """
    count = len(points)
    if count < LEAST_DAYS:
        return None
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    missed = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    varied = sum((y - mean_y) ** 2 for _, y in points)
    amount = mean_y + slope * (end - mean_x)
    deviation = sqrt(missed / (count - 2) * (1 + 1 / count + (end - mean_x) ** 2 / spread))
    margin = _T_975[min(count - 2, len(_T_975)) - 1] * deviation
    spent = points[-1][1]
    return Forecast(
        amount=max(spent, round(amount)),
        low=max(spent, round(amount - margin)),
        high=max(spent, round(amount + margin)),
        per_day=max(0, round(slope)),
        r_squared=1 - missed / varied if varied else None,
        days=count,
    )


def reached_at(left: Nano, of_a_day: Nano, now: Instant) -> Instant | None:
    """When nothing is left if every day costs as much as `of_a_day`; None where that is never, or after a century."""
    if of_a_day <= 0 or left > of_a_day * _CENTURY:
        return None
    return now + -(-left * DAY // of_a_day)


def how_many_fit(left: Nano, cost: Nano, calls: int) -> int | None:
    """How many more calls `left` bears, if each costs the mean of those that were; None where they cost nothing."""
    return max(0, left) * calls // cost if cost > 0 else None


def _part_of_day(now: Instant, day: date, zone: tzinfo) -> float:
    start = begins(day, zone)
    return (now - start) / (begins(following(day), zone) - start)
