"""What a model costs: from the settings, or from the offline table of genai-prices, standard service tier always.

The table is imported only when a tier needs it: it takes a quarter of a second and 27 MB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from koubou.config.tier_settings import PriceSettings, RateStep
from koubou.errors import KoubouError
from koubou.model.instant import Instant, moment
from koubou.model.money import Price, Rates, nano

_QUARTERS_OF_A_DAY = 96
_EDITION = re.compile(r"[-@:]?(?:20\d\d-?\d\d-?\d\d|latest)$")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_MOST_NAMES = 5


class Listing(Struct, frozen=True, kw_only=True):
    """What is known of a model: its price, and whose. `window` = the most input it ever takes; None = not known."""

    price: Price
    provider: str
    window: int | None = None


class NoPrice(KoubouError):
    """Nothing says what a model costs, or not in words that Koubou can hold money by."""


def from_settings(price: PriceSettings, source: str) -> Price:
    """The price that an operator wrote down at the key `source`; what is not written of the cache costs as input."""
    steps = sorted(((step.above, _written(step)) for step in price.steps), key=lambda step: step[0])
    return Price(base=_written(price), steps=tuple(steps), source=source)


def overriding(overrides: Mapping[str, PriceSettings], model: str, provider: str | None) -> Price | None:
    """What the settings' own table says of a model: by provider/model first, then by model."""
    for key in (f"{provider}/{model}", model):
        if key in overrides:
            return from_settings(overrides[key], f"prices.{key}")
    return None


def line_to_add(model: str) -> str:
    """What an operator adds to the settings so that a model has a price."""
    key = model if _PLAIN_KEY.fullmatch(model) else json.dumps(model)
    return f"prices: {{{key}: {{input: <USD>, output: <USD>}}}}"


def from_table(model: str, provider: str | None, base_url: str | None, at: Instant) -> Listing:
    """The standard price of a model on a day, by its provider or the provider's address. Raises NoPrice.

    Where a price changes with the hour, the dearest of the day counts: a hold must bear any hour.
    """
    from genai_prices import __version__, data_snapshot

    if provider is None and not base_url:
        raise NoPrice("no provider is named")
    try:
        found, info = data_snapshot.get_snapshot().find_provider_model(model, None, provider, base_url)
    except LookupError:
        raise NoPrice(f"the price table does not know {model} of {provider or base_url}") from None
    day = moment(at).replace(hour=0, minute=0, second=0, microsecond=0)
    source = f"genai-prices {__version__}, {found.id}, {day:%Y-%m-%d}"
    price = _dearest([_price(info.get_prices(when), found.id, source) for when in _moments(day)])
    if price.free:
        # Free of charge today may be an offer that ends; zero is declared by the operator, never inferred.
        raise NoPrice(f"the price table says that {model} of {found.id} costs nothing")
    return Listing(price=price, provider=found.id, window=_window(info, model, price))


def nearest_names(model: str, overrides: Iterable[str], provider: str | None) -> list[str]:
    """Names with a price that are like this one: of the settings, and of the table, of one provider where it is known.

    Providers name each other's models, so that the same name is known to many.
    """
    import difflib

    from genai_prices import data_snapshot

    snapshot = data_snapshot.get_snapshot()
    try:
        providers = [snapshot.find_provider(None, provider, None)] if provider else snapshot.providers
    except LookupError:
        providers = snapshot.providers
    names = {*overrides, *(info.id for each in providers for info in each.models)}
    by_letters = {name.casefold(): name for name in sorted(names)}
    found = difflib.get_close_matches(model.casefold(), by_letters, n=_MOST_NAMES)
    return [by_letters[name] for name in found]


def provider_of(model: str) -> str | None:
    """Whose model the table takes this to be, by its name alone; None where the name does not tell."""
    from genai_prices import data_snapshot

    try:
        return str(data_snapshot.get_snapshot().find_provider(model.lower(), None, None).id)
    except LookupError:
        return None


def provider_at(base_url: str) -> str | None:
    """Whose address the table takes this to be; None where it does not know it."""
    from genai_prices import data_snapshot

    try:
        return str(data_snapshot.get_snapshot().find_provider(None, None, base_url).id)
    except LookupError:
        return None


def _written(rates: PriceSettings | RateStep) -> Rates:
    write = rates.input if rates.cache_write is None else rates.cache_write
    return Rates(
        input=rates.input,
        output=rates.output,
        cached_input=rates.input if rates.cached_input is None else rates.cached_input,
        cache_write=write,
        cache_write_1h=write if rates.cache_write_1h is None else rates.cache_write_1h,
    )


def _window(info: Any, model: str, price: Price) -> int | None:
    """The model's window, where the table speaks of this very model and prices nothing that lies beyond it.

    A window that is too small would make a hold too small. Some models (Sonnet 4.5) take more where they are asked
    to, and what the table finds by the beginning of a name may be another model.
    """
    window: int | None = info.context_window
    same = _EDITION.sub("", model.lower()) == _EDITION.sub("", info.id.lower())
    if not window or not same or any(threshold >= window for threshold, _ in price.steps):
        return None
    return window


def _moments(day: datetime) -> Iterable[datetime]:
    return (day + timedelta(minutes=15 * quarter) for quarter in range(_QUARTERS_OF_A_DAY))


def _price(prices: Any, provider: str, source: str) -> Price:
    """What the table's prices say in our words. Raises NoPrice for fees that are not by the token."""
    if _rate(prices, "input_mtok", 0) is None or _rate(prices, "output_mtok", 0) is None:
        raise NoPrice(f"the price table of {provider} has no price by the token for it")
    if getattr(prices, "requests_kcount", None):
        raise NoPrice(f"{provider} charges for each request of it, which is not held for yet")
    tiered = [value for value in vars(prices).values() if hasattr(value, "tiers")]
    starts = sorted({step.start for value in tiered for step in value.tiers})
    steps = tuple((start, _rates(prices, start + 1)) for start in starts)
    return Price(base=_rates(prices, 0), steps=steps, source=source)


def _rates(prices: Any, tokens: int) -> Rates:
    """The rates of a request with so many input tokens, each the dearest that a token of its kind can meet."""
    plain = _rate(prices, "input_mtok", tokens) or Decimal(0)
    cached = _rate(prices, "cache_read_mtok", tokens)
    write = max(plain, _rate(prices, "cache_write_mtok", tokens) or plain)
    hour = _rate(prices, "cache_write_1h_mtok", tokens) or write
    answers = (_rate(prices, key, tokens) or Decimal(0) for key in ("output_mtok", "output_reasoning_mtok"))
    return Rates(
        input=nano(plain),
        output=nano(max(answers)),
        cached_input=nano(plain if cached is None else cached),
        cache_write=nano(write),
        cache_write_1h=nano(max(write, hour)),
    )


def _rate(prices: Any, key: str, tokens: int) -> Decimal | None:
    """USD per million of one kind of token in a request of `tokens`; None where the table has none."""
    value = getattr(prices, key, None)
    if value is None or isinstance(value, Decimal):
        return value
    rate: Decimal = value.base
    for step in value.tiers:
        if tokens > step.start:
            rate = step.price
    return rate


def _dearest(prices: Sequence[Price]) -> Price:
    """The price that no other of the day is above, in any of its rates."""
    different = list(dict.fromkeys(prices))
    if len(different) == 1:
        return different[0]
    starts = sorted({start for price in different for start, _ in price.steps})
    steps = tuple((start, _highest([_at(price, start + 1) for price in different])) for start in starts)
    return Price(base=_highest([price.base for price in different]), steps=steps, source=different[0].source)


def _at(price: Price, tokens: int) -> Rates:
    reached = [rates for start, rates in price.steps if tokens > start]
    return reached[-1] if reached else price.base


def _highest(rates: Sequence[Rates]) -> Rates:
    return Rates(
        input=max(each.input for each in rates),
        output=max(each.output for each in rates),
        cached_input=max(each.cached_input for each in rates),
        cache_write=max(each.cache_write for each in rates),
        cache_write_1h=max(each.cache_write_1h for each in rates),
    )
