"""A provider's bill as the ledger can be held against it: by the ledger's names of models, and by the hour."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from koubou.model.account import Billed, Booking, HourSpend
from koubou.model.instant import DAY, HOUR, MINUTE, Instant
from koubou.model.money import Nano, nano

CLOCKS = 5 * MINUTE
"""By how much a provider's clock and ours, and what either takes for the moment of a call, may differ."""
_EARLIEST: Instant = 946_684_800_000
"""2000-01-01 00:00 UTC."""
_AHEAD = 2 * DAY
NO_TIME = "is of a time before the year 2000, or more than two days ahead"
"""What is wrong with a row where `can_be_billed` says no."""
_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")

HoursOf = Callable[[str, Instant, Instant], Sequence[HourSpend]]
"""What the ledger has for a model within a window."""
BookingsOf = Callable[[str, Instant, Instant], Sequence[Booking]]
"""The calls of a model that a provider may book within a window, and we in another hour, or not yet."""


class Charge(Struct, frozen=True, kw_only=True):
    """What a provider charges for a model within a window, in USD."""

    model: str
    since: Instant
    until: Instant
    usd: Decimal


def can_be_billed(at: Instant, now: Instant) -> bool:
    """Whether a bill may be of this time; a day is billed by its beginning, in any time zone."""
    return _EARLIEST <= at <= now + _AHEAD


def by_hour(
    charges: Iterable[Charge], known: Collection[str], ledger: HoursOf, around: BookingsOf = lambda *_: ()
) -> list[Billed]:
    """The bill by model and hour, under the names that the ledger has for the models.

    Both providers bill by the day. What they charge for more than an hour is laid over the hours that the ledger has.
    """
    windows: dict[tuple[str, Instant, Instant], Decimal] = {}
    for charge in charges:
        since = charge.since // HOUR * HOUR
        window = (model_in_ledger(charge.model, known), since, max(charge.until, since + HOUR))
        windows[window] = windows.get(window, Decimal(0)) + charge.usd
    billed: dict[tuple[str, Instant], Nano] = {}
    for (model, since, until), usd in windows.items():
        laid: Mapping[Instant, Nano] = {}
        if until - since > HOUR:
            beside = booked_beside(around(model, since, until), since, until)
            laid = over_hours(nano(usd), ledger(model, since, until), beside)
        for hour, amount in (laid or {since: nano(usd)}).items():
            billed[model, hour] = billed.get((model, hour), 0) + amount
    return [Billed(model=model, hour=hour, amount=amount) for (model, hour), amount in sorted(billed.items())]


def touched(call: Booking, since: Instant, until: Instant) -> range:
    """The hours of a window in which a provider may book a call: in which it was under way, by either clock."""
    first = max(since, (call.begun - CLOCKS) // HOUR * HOUR)
    return range(first, until if call.ended is None else min(until, call.ended + CLOCKS + 1), HOUR)


def booked_beside(around: Iterable[Booking], since: Instant, until: Instant) -> dict[Instant, Nano]:
    """What a provider may book within a window and the ledger has in none of its hours; each in the first it may be."""
    found: dict[Instant, Nano] = {}
    for call in around:
        hours = touched(call, since, until)
        if hours and (call.ended is None or not since <= call.begun < until):
            found[hours[0]] = found.get(hours[0], 0) + call.amount
    return found


def over_hours(
    amount: Nano, spent: Iterable[HourSpend], beside: Mapping[Instant, Nano] | None = None
) -> dict[Instant, Nano]:
    """An amount laid over the hours of the ledger: to what is known there first, then to what nobody confirmed yet.

    Then come calls that are booked `beside` these hours, or under way. What is left lies over all of them, so an hour
    is billed above the ledger only if the whole window is. Empty where the ledger has nothing.
    """
    beside = beside or {}
    sure: dict[Instant, Nano] = {}
    unknown: dict[Instant, Nano] = {}
    for spend in spent:
        sure[spend.hour] = sure.get(spend.hour, 0) + max(0, spend.amount - spend.unknown)
        unknown[spend.hour] = unknown.get(spend.hour, 0) + spend.unknown
    found = dict.fromkeys(sure, 0)
    for weights in (sure, unknown, beside):
        part = min(amount, sum(weights.values()))
        amount -= part
        _add(found, spread(part, weights) if part else {})
    _add(found, spread(amount, {hour: sum(each.get(hour, 0) for each in (sure, unknown, beside)) for hour in found}))
    return found if any(found.values()) or not amount else {}


def spread(amount: Nano, over: Mapping[Instant, Nano]) -> dict[Instant, Nano]:
    """An amount in parts as large as those of `over` are among themselves, rounded by the largest remainders.

    Where it is no more than all of them together, no part is more than the one that it stands for.
    """
    whole = sum(over.values())
    if not whole:
        return {}
    parts = {key: amount * weight // whole for key, weight in over.items()}
    missing = amount - sum(parts.values())
    for key in sorted(over, key=lambda key: amount * over[key] % whole, reverse=True)[:missing]:
        parts[key] += 1
    return parts


def _add(found: dict[Instant, Nano], parts: Mapping[Instant, Nano]) -> None:
    for hour, part in parts.items():
        found[hour] = found.get(hour, 0) + part


def model_in_ledger(name: str, known: Collection[str]) -> str:
    """The ledger's name for a model of the bill: `gpt-5-2025-08-07, input` is `gpt-5` where that is what we called."""
    plain = name.partition(",")[0].strip()
    for candidate in (name, plain, undated(plain)):
        if candidate in known:
            return candidate
    related = [model for model in known if undated(model) == undated(plain)]
    return related[0] if len(related) == 1 else plain


def undated(model: str) -> str:
    """A model's name without the date of its version."""
    return _DATE.sub("", model)
