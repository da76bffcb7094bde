"""Ages and times as people write them: 30m, 2h, 7d, or an ISO 8601 time."""

from __future__ import annotations

from koubou.errors import UsageMistake
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant, Milliseconds

_AGES = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}


def age(text: str) -> Milliseconds | None:
    """Milliseconds of 90s, 30m, 2h, 7d, 1w, or of a bare number of seconds; None for what is no such length."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _AGES else (text, "s")
    try:
        amount = float(number)
    except ValueError:
        return None
    return round(amount * _AGES[unit]) if 0 <= amount < float("inf") else None


def time_of(option: str, text: str | None, now: Instant) -> Instant | None:
    """The instant that an age before now says, or a time; None of nothing. Raises UsageMistake."""
    if text is None:
        return None
    length = age(text)
    if length is not None:
        return now - length
    from datetime import datetime

    from koubou.model.instant import instant

    try:
        return instant(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError):
        raise UsageMistake(f"{option} takes an age such as 30m, 2h or 7d, or a time such as 2026-11-21T09:00") from None
