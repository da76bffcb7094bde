"""Prices as the ledger keeps them beside each hold: what is settled later is settled at what was promised."""

from __future__ import annotations

import json
from functools import lru_cache

from msgspec import convert
from msgspec.structs import asdict

from koubou.model.money import Price

_PRICES_IN_USE = 256


def price_to_json(price: Price) -> str:
    """A price as JSON."""
    return _to_json(price, price.source)


@lru_cache(_PRICES_IN_USE)
def _to_json(price: Price, source: str) -> str:
    # Prices are equal whatever their source; what is written is the one of this.
    return json.dumps({**asdict(price), "source": source}, default=asdict)


@lru_cache(_PRICES_IN_USE)
def price_from_json(text: str) -> Price:
    """The price that `price_to_json` wrote."""
    return convert(json.loads(text), Price)
