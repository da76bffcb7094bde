"""Points in time: integer milliseconds since 1970 in UTC, as the board keeps them; datetimes only at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

Instant = int
Milliseconds = int

SECOND: Milliseconds = 1_000
MINUTE: Milliseconds = 60 * SECOND
HOUR: Milliseconds = 60 * MINUTE
DAY: Milliseconds = 24 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()


def instant(moment: datetime) -> Instant:
    """The instant of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its time zone")
    return round(moment.timestamp() * 1000)


def moment(at: Instant) -> datetime:
    """The aware UTC datetime of an instant."""
    return datetime.fromtimestamp(at / 1000, tz=UTC)


def iso(at: Instant) -> str:
    """ISO 8601 in UTC with milliseconds, as every file and journal line shows time: 2026-11-21T09:30:00.000Z."""
    day, rest = divmod(at, DAY)
    minutes, rest = divmod(rest, MINUTE)
    hour, minute = divmod(minutes, 60)
    second, rest = divmod(rest, SECOND)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z"


@lru_cache(maxsize=256)
def _date(day: int) -> str:
    """The date of a day since 1970; the same few are asked for again and again."""
    return date.fromordinal(_EPOCH + day).isoformat()


def iso_or_none(at: Instant | None) -> str | None:
    """The same of a moment that may not have come."""
    return None if at is None else iso(at)
