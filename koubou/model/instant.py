"""Points in time: integer milliseconds since 1970 in UTC, as the board keeps them; datetimes only at the edges."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

Instant = int
Milliseconds = int

SECOND: Milliseconds = 1_000
MINUTE: Milliseconds = 60 * SECOND
HOUR: Milliseconds = 60 * MINUTE
DAY: Milliseconds = 24 * HOUR
_MILLISECONDS = [f".{number:03}Z" for number in range(SECOND)]


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
    return _to_the_second(at // SECOND) + _MILLISECONDS[at % SECOND]


@lru_cache(maxsize=1024)
def _to_the_second(second: int) -> str:
    """The date and time of a second since 1970; what comes together is asked for together."""
    return datetime.fromtimestamp(second, tz=UTC).isoformat()[:19]


def iso_or_none(at: Instant | None) -> str | None:
    """The same of a moment that may not have come."""
    return None if at is None else iso(at)
