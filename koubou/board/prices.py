"""Prices as the ledger keeps them beside each hold: what is settled later is settled at what was promised."""

from __future__ import annotations

import json
from functools import lru_cache

from msgspec.structs import asdict

from koubou.model.money import Price, Rates

_PRICES_IN_USE = 256


def price_to_json(price: Price) -> str:
    """A price as JSON."""
    return _to_json(price, price.source)


@lru_cache(_PRICES_IN_USE)
def _to_json(price: Price, source: str) -> str:
    # Prices are equal whatever their source; what is written is the one of this.
    steps = [[threshold, asdict(rates)] for threshold, rates in price.steps]
    return json.dumps({"base": asdict(price.base), "steps": steps, "source": source})


@lru_cache(_PRICES_IN_USE)
def price_from_json(text: str) -> Price:
    """The price that `price_to_json` wrote."""
    found = json.loads(text)
    steps = tuple((threshold, Rates(**rates)) for threshold, rates in found["steps"])
    return Price(base=Rates(**found["base"]), steps=steps, source=found["source"])
