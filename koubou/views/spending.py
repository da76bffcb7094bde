"""What was spent on each day by each tier, and where that leads: the forecast for the month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from koubou.model.instant import DAY, Instant
from koubou.model.money import Nano
from koubou.rules.days import begins, day_of, month_days
from koubou.rules.forecast import Forecast, forecast, points

if TYPE_CHECKING:
    from koubou.board.reading import Reading

DAYS_SHOWN = 30


class Spending(Struct, frozen=True, kw_only=True):
    """By the ledger, which knows of no reset. `spent` is of this month, `days` are those that the forecast rests on."""

    by_day: Mapping[date, Mapping[str, Nano]]
    """What each day cost by tier, of this month and at least of the last thirty days."""
    spent: Nano
    last_day: Nano
    forecast: Forecast | None
    days: int


def spending(board: Reading, now: Instant, zone: tzinfo) -> Spending:
    """What the ledger says now; ask within one picture."""
    today = day_of(now, zone)
    first, end = month_days(f"{today:%Y-%m}")
    since = min(first, today - timedelta(days=DAYS_SHOWN - 1))
    by_day = board.reports.days(begins(since, zone), now + 1, zone)
    of_month = {day: sum(tiers.values()) for day, tiers in by_day.items() if day >= first}
    begun = _begun(board.reports.first_at(), first, zone)
    known = points(of_month, begun, now, zone)
    return Spending(
        by_day=by_day,
        spent=sum(of_month.values()),
        last_day=board.reports.spent(now - DAY, now + 1),
        forecast=forecast(known, float((end - begun).days)),
        days=len(known),
    )


def _begun(first_call: Instant | None, first: date, zone: tzinfo) -> date:
    """The day of this month from which on there is something to learn from: that of the very first call, or its 1st."""
    return first if first_call is None else max(first, day_of(first_call, zone))
