"""The windows that are part of the accounts' names; there is no reset job."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from koubou.model.instant import Instant, instant, moment

_MONTH = re.compile(r"month:\d{4}-\d\d$")
_DAY = re.compile(r"^day:\d{4}-\d\d-\d\d$")
_SATURDAY = 5

_once_a_moment = lru_cache(maxsize=8)
"""Every call that is let through in one turn asks the same of the same moment."""


@_once_a_moment
def month(now: Instant, zone: tzinfo) -> tuple[str, Instant]:
    """The name of the month's account in a time zone, and when the next month begins there."""
    local = moment(now).astimezone(zone)
    year, following = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return f"month:{local.year:04}-{local.month:02}", instant(datetime(year, following, 1, tzinfo=zone))


@_once_a_moment
def day(now: Instant, zone: tzinfo) -> tuple[str, Instant]:
    """The name of the day's account in a time zone, and when the next day begins there."""
    local = moment(now).astimezone(zone)
    tomorrow = local.date() + timedelta(days=1)
    following = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return f"day:{local.date().isoformat()}", instant(following)


@_once_a_moment
def month_began(now: Instant, zone: tzinfo) -> Instant:
    """When this month began in a time zone."""
    local = moment(now).astimezone(zone)
    return instant(datetime(local.year, local.month, 1, tzinfo=zone))


@_once_a_moment
def day_began(now: Instant, zone: tzinfo) -> Instant:
    """When this day began in a time zone."""
    local = moment(now).astimezone(zone)
    return instant(datetime(local.year, local.month, local.day, tzinfo=zone))


@_once_a_moment
def is_weekend(now: Instant, zone: tzinfo) -> bool:
    """Whether it is Saturday or Sunday there."""
    return moment(now).astimezone(zone).weekday() >= _SATURDAY


def current(name: str, now: Instant, zone: tzinfo) -> str:
    """The account of this moment's window that stands where `name` stood: last month's becomes this month's."""
    if _DAY.match(name):
        return day(now, zone)[0]
    return _MONTH.sub(month(now, zone)[0], name)
