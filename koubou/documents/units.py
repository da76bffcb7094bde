"""Durations, sizes, money and times as people write them, turned into whole numbers once."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant, Milliseconds, instant
from koubou.model.money import RICHEST, USD, Nano, nano

_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_DURATIONS = {"": SECOND, "ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_LONGEST: Milliseconds = 36_500 * DAY
_LARGEST = 2**50
_MOST_DIGITS = 15
_RICHEST = Decimal(RICHEST) / USD


def duration(value: object) -> Milliseconds:
    """Milliseconds of `200ms 30s 5m 2h 1d`, or of a bare number of seconds. Raises ValueError."""
    milliseconds = _quantity(value, _DURATIONS)
    if milliseconds is None or milliseconds > _LONGEST:
        raise ValueError("must be a duration such as 200ms, 30s, 5m, 2h or 1d (100 years at most)")
    return round(milliseconds)


def some_time(value: object) -> Milliseconds:
    """The same where it must be a second or more: work that has less time is cut before it has begun."""
    milliseconds = duration(value)
    if milliseconds < SECOND:
        raise ValueError("must be 1s or more")
    return milliseconds


def size(value: object) -> int:
    """Bytes of `512kB 10MB 2GiB`, or of a bare number of bytes. Raises ValueError."""
    count = _quantity(value, _SIZES)
    if count is None or count > _LARGEST:
        raise ValueError("must be a size such as 512kB, 10MB or 2GiB")
    return round(count)


def count(text: str) -> int:
    """A whole number as people type it: `2000000 2,000,000 2_000_000`. Raises ValueError."""
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        raise ValueError("must be a whole number")
    return int(digits)


def usd(value: object) -> Nano:
    """Nano-dollars of an amount of USD, exact, rounded up below a nano-dollar. Raises ValueError."""
    amount = _number(value)
    if amount is None or amount > _RICHEST:
        raise ValueError(f"must be an amount of USD such as 0.50 or 20 ({_RICHEST:,} at most)")
    return nano(amount)


def when(value: object) -> Instant:
    """The instant of an ISO 8601 time with its zone, or of an aware datetime. Raises ValueError."""
    example = "such as 2026-12-01T09:00:00+09:00 or 2026-12-01T00:00:00Z"
    if isinstance(value, str) and len(value) < 64:
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"must be a time {example}") from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"needs its time zone, {example}")
        return instant(value)
    if isinstance(value, date):
        raise ValueError(f"needs a time of day and a time zone, {example}")
    raise ValueError(f"must be a time {example}")


def _quantity(value: object, units: dict[str, int]) -> Decimal | None:
    """A number times its unit; None for what is neither."""
    number = _number(value)
    if number is not None:
        return number * units[""]
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 64 else None
    if found is None or found[2].lower() not in units:
        return None
    return Decimal(found[1]) * units[found[2].lower()]


def _number(value: object) -> Decimal | None:
    """A finite number that is not negative and not absurd, without loss; None for anything else."""
    match value:
        case bool():
            return None
        case int() if 0 <= value < 10**15:
            return Decimal(value)
        case float() if 0 <= value < 1e15:
            return Decimal(repr(value))
        case str() if len(value) < 64 and (found := _QUANTITY.fullmatch(value.strip())) and not found[2]:
            return Decimal(found[1])
    return None
