"""What a model costs: from the settings, or from the offline table of genai-prices.

The table is imported only when a tier needs it: it takes a quarter of a second and 27 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from koubou.config.tier_settings import PriceSettings, RateStep
from koubou.errors import KoubouError
from koubou.model.instant import Instant, moment
from koubou.model.money import Price, Rates, nano

_QUARTERS_OF_A_DAY = 96


class NoPrice(KoubouError):
    """Nothing says what a model costs, or not in words that Koubou can hold money by."""


def from_settings(price: PriceSettings) -> Price:
    """The price that an operator wrote down; what is not written of the cache costs as input does."""
    steps = sorted((step.above, _written(step)) for step in price.steps)
    return Price(base=_written(price), steps=tuple(steps))


def from_table(model: str, provider: str | None, base_url: str | None, at: Instant) -> Price:
    """The standard price of a model on a day, by its provider or the provider's address. Raises NoPrice.

    Where a price changes with the hour, the dearest of the day counts: a hold must bear any hour.
    """
    from genai_prices import data_snapshot

    if provider is None and not base_url:
        raise NoPrice("no provider is named")
    try:
        found, info = data_snapshot.get_snapshot().find_provider_model(model, None, provider, base_url)
    except LookupError:
        raise NoPrice(f"the price table does not know {model} of {provider or base_url}") from None
    day = moment(at).replace(hour=0, minute=0, second=0, microsecond=0)
    price = _dearest([_price(info.get_prices(when), found.id) for when in _moments(day)])
    if price.free:
        # Free of charge today may be an offer that ends; zero is declared by the operator, never inferred.
        raise NoPrice(f"the price table says that {model} of {found.id} costs nothing")
    return price


def _written(rates: PriceSettings | RateStep) -> Rates:
    return Rates(
        input=rates.input,
        output=rates.output,
        cached_input=rates.input if rates.cached_input is None else rates.cached_input,
        cache_write=rates.input if rates.cache_write is None else rates.cache_write,
    )


def _moments(day: datetime) -> Iterable[datetime]:
    return (day + timedelta(minutes=15 * quarter) for quarter in range(_QUARTERS_OF_A_DAY))


def _price(prices: Any, provider: str) -> Price:
    """What the table's prices say in our words. Raises NoPrice for fees that are not by the token."""
    if _rate(prices, "input_mtok", 0) is None or _rate(prices, "output_mtok", 0) is None:
        raise NoPrice(f"the price table of {provider} has no price by the token for it")
    if getattr(prices, "requests_kcount", None):
        raise NoPrice(f"{provider} charges for each request of it, which is not held for yet")
    tiered = [value for value in vars(prices).values() if hasattr(value, "tiers")]
    starts = sorted({step.start for value in tiered for step in value.tiers})
    steps = tuple((start, _rates(prices, start + 1)) for start in starts)
    return Price(base=_rates(prices, 0), steps=steps, source=f"genai-prices, {provider}")


def _rates(prices: Any, tokens: int) -> Rates:
    """The rates of a request with so many input tokens, each the dearest that a token of its kind can meet."""
    plain = _rate(prices, "input_mtok", tokens) or Decimal(0)
    cached = _rate(prices, "cache_read_mtok", tokens)
    writes = (_rate(prices, key, tokens) or plain for key in ("cache_write_mtok", "cache_write_1h_mtok"))
    answers = (_rate(prices, key, tokens) or Decimal(0) for key in ("output_mtok", "output_reasoning_mtok"))
    return Rates(
        input=nano(plain),
        output=nano(max(answers)),
        cached_input=nano(plain if cached is None else cached),
        cache_write=nano(max(plain, *writes)),
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
    )
