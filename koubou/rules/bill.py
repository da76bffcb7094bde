"""A provider's bill as the ledger can be held against it: by the ledger's names of models, and by the hour."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from koubou.model.account import Billed, HourSpend
from koubou.model.instant import HOUR, Instant
from koubou.model.money import Nano, nano

_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")

HoursOf = Callable[[str, Instant, Instant], Sequence[HourSpend]]
"""What the ledger has for a model within a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a provider charges for a model within a window, in USD."""

    model: str
    since: Instant
    until: Instant
    usd: Decimal


def by_hour(charges: Iterable[Charge], known: Collection[str], ledger: HoursOf) -> list[Billed]:
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
        spent = ledger(model, since, until) if until - since > HOUR else ()
        for hour, amount in (over_hours(nano(usd), spent) or {since: nano(usd)}).items():
            billed[model, hour] = billed.get((model, hour), 0) + amount
    return [Billed(model=model, hour=hour, amount=amount) for (model, hour), amount in sorted(billed.items())]


def over_hours(amount: Nano, spent: Iterable[HourSpend]) -> dict[Instant, Nano]:
    """An amount laid over the hours of the ledger: to what is known there first, then to what nobody confirmed yet.

    What is left lies over all of them, so an hour is billed above the ledger only if the whole window is. Empty where
    the ledger has nothing.
    """
    sure: dict[Instant, Nano] = {}
    unknown: dict[Instant, Nano] = {}
    for spend in spent:
        sure[spend.hour] = sure.get(spend.hour, 0) + max(0, spend.amount - spend.unknown)
        unknown[spend.hour] = unknown.get(spend.hour, 0) + spend.unknown
    found = dict.fromkeys(sure, 0)
    for weights in (sure, unknown):
        part = min(amount, sum(weights.values()))
        amount -= part
        _add(found, spread(part, weights))
    _add(found, spread(amount, {hour: sure[hour] + unknown[hour] for hour in found}))
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
        found[hour] += part


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
