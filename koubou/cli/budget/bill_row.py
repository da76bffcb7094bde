"""One row of a provider's bill: which columns say what, and the charge that it makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from koubou.model.instant import DAY, HOUR, Instant, instant
from koubou.model.money import RICHEST, THE_MOST, USD
from koubou.rules.bill import NO_TIME, Charge, can_be_billed

_ALIASES = {
    "model": ("model", "model_name", "model_id", "model_version", "line_item", "snapshot"),
    "since": (
        "hour",
        "start_time_iso",
        "starting_at",
        "start_time",
        "timestamp",
        "time",
        "usage_date_utc",
        "date",
        "day",
    ),
    "until": ("end_time_iso", "ending_at", "end_time", "until"),
    "amount": ("cost_usd", "amount_usd", "usd", "cost", "amount_value", "amount"),
    "currency": ("currency", "amount_currency"),
}
_NEEDED = {"model": "model", "since": "hour", "amount": "cost_usd"}
_AMOUNT = re.compile(r"-?(\d{1,18}(\.\d{0,40})?|\.\d{1,40})(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_RICHEST = Decimal(RICHEST) / USD
_MILLISECONDS_FROM = 10**11
"""Seconds since 1970 do not reach this before the year 5138; what is larger is in milliseconds."""
_LONGEST_NAME = 200


class Row(Struct, frozen=True, kw_only=True):
    """What stands in the columns, as it stands there."""

    model: Any
    since: Any
    amount: Any
    until: Any = None
    currency: Any = None
    in_cents: bool = False
    remedy: str = "add it to the export"


class Columns:
    """Where the columns are that a bill needs; `missing` says which are not there."""

    def __init__(self, head: Sequence[object]) -> None:
        names = [str(cell).strip().lower().replace(" ", "_") for cell in head]
        self._places = {
            meaning: names.index(found)
            for meaning, aliases in _ALIASES.items()
            if (found := next((alias for alias in aliases if alias in names), None)) is not None
        }
        missing = [name for meaning, name in _NEEDED.items() if meaning not in self._places]
        self.missing = f"has no column {' nor '.join(missing)}" if missing else ""

    def row(self, cells: Sequence[Any]) -> Row:
        """The row of these cells; a cell that is not there is None."""
        found: dict[str, Any] = {
            meaning: cells[place] if place < len(cells) else None for meaning, place in self._places.items()
        }
        return Row(**found)


def charge_of(row: Row, now: Instant) -> Charge | None:
    """The charge of a row; None of nothing for no model. Raises ValueError with what is wrong, never with its value."""
    usd = _amount(row.amount) / (100 if row.in_cents else 1)
    if row.currency not in (None, "") and str(row.currency).strip().lower() != "usd":
        raise ValueError("is not in USD")
    model = str(row.model or "").strip()
    if not model:
        if not usd:
            return None
        raise ValueError(f"names no model; {row.remedy}")
    if len(model) > _LONGEST_NAME or not model.isprintable():
        raise ValueError("has a model whose name is too long or not printable")
    since, width = _time(row.since)
    if not can_be_billed(since, now):
        raise ValueError(NO_TIME)
    until = since + width if row.until in (None, "") else _time(row.until)[0]
    if until <= since:
        raise ValueError("ends before it begins")
    return Charge(model=model, since=since, until=until, usd=usd)


def _amount(value: object) -> Decimal:
    text = repr(value) if isinstance(value, float) else str(value).strip().removeprefix("$")
    if isinstance(value, bool) or not _AMOUNT.fullmatch(text):
        raise ValueError("has an amount that is no number of USD, such as 0.0123")
    amount = Decimal(text)
    if amount > _RICHEST:
        raise ValueError(f"has an amount above {THE_MOST}")
    if amount < 0:
        raise ValueError("has an amount below zero; leave credits out of the export")
    return amount


def _time(value: object) -> tuple[Instant, int]:
    """When a row begins, and how long it is where nothing else says so: an hour, or a day for a date alone."""
    text = str(value).strip()
    if text.isascii() and text.isdecimal() and len(text) < 15:
        number = int(text)
        return (number if number >= _MILLISECONDS_FROM else number * 1000), HOUR
    try:
        if len(text) == len("2026-11-21"):
            day = date.fromisoformat(text)
            return instant(datetime(day.year, day.month, day.day, tzinfo=UTC)), DAY
        moment = datetime.fromisoformat(text)
        # What has no zone is in UTC: both providers' exports are.
        return instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC)), HOUR
    except (ValueError, OverflowError):
        message = "has no time such as 2026-11-21T14:00:00Z, 2026-11-21, or seconds since 1970"
        raise ValueError(message) from None
