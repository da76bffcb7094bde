"""Days and months in a time zone: where they begin, and on which day an instant falls."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from koubou.model.instant import Instant, instant, moment


def day_of(at: Instant, zone: tzinfo) -> date:
    """The day on which an instant falls."""
    return moment(at).astimezone(zone).date()


def begins(day: date, zone: tzinfo) -> Instant:
    """When a day begins."""
    return instant(datetime.combine(day, time.min, tzinfo=zone))


def following(day: date) -> date:
    """The next day."""
    return day + timedelta(days=1)


def month_days(word: str) -> tuple[date, date]:
    """The first day of a month `YYYY-MM`, and of the month after it. Raises ValueError."""
    year, dash, number = word.partition("-")
    if not dash or len(year) != 4 or len(number) != 2 or not (year + number).isdecimal() or not year.isascii():
        raise ValueError("must be a month such as 2026-11")
    first = date(int(year), int(number), 1)
    return first, (first + timedelta(days=31)).replace(day=1)
