"""The time that a report is about: a month, or from and until when, in the time zone of the settings."""

from __future__ import annotations

from datetime import date, datetime, tzinfo

from msgspec import Struct

from koubou.errors import UsageMistake
from koubou.model.instant import Instant, instant
from koubou.rules.days import begins, day_of, following, month_days
from koubou.views.ages import age


class Span(Struct, frozen=True, kw_only=True):
    """From an instant on, and before another; `first` and `last` are the days that it touches."""

    since: Instant
    until: Instant
    first: date
    last: date
    zone: str

    @property
    def told(self) -> str:
        """In words."""
        days = str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{days} ({self.zone})"


def span_of(now: Instant, zone: tzinfo, *, month: str | None, since: str | None, until: str | None) -> Span:
    """What a month, or since and until say; this month where they say nothing. Raises UsageMistake."""
    if month and (since or until):
        raise UsageMistake("--month is a time of its own: give it, or --since and --until")
    if since or until:
        first = _time("--since", since, now, zone, False) if since else 0
        end = _time("--until", until, now, zone, True) if until else now + 1
    else:
        first, end = _month(month or f"{day_of(now, zone):%Y-%m}", zone)
    if first >= end:
        raise UsageMistake("the time ends before it begins")
    return Span(since=first, until=end, first=day_of(first, zone), last=day_of(end - 1, zone), zone=str(zone))


def _month(word: str, zone: tzinfo) -> tuple[Instant, Instant]:
    try:
        first, end = month_days(word)
        return begins(first, zone), begins(end, zone)
    except (ValueError, OverflowError):
        raise UsageMistake("--month takes a month such as 2026-11") from None


def _time(option: str, text: str, now: Instant, zone: tzinfo, end: bool) -> Instant:
    length = age(text)
    if length is not None:
        return now - length
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            return begins(following(day) if end else day, zone)
        found = datetime.fromisoformat(text)
        return instant(found if found.tzinfo else found.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        message = f"{option} takes a day such as 2026-11-01, a time such as 2026-11-01T09:00, or an age such as 7d"
        raise UsageMistake(message) from None
