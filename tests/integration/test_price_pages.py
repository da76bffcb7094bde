"""Prices on the board: what is settled later is settled at what was promised, whenever that was written."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.board.prices import price_from_json, price_to_json
from koubou.model.money import Price, Rates

FULL = Price(
    base=Rates(input=1, output=2, cached_input=3, cache_write=4, cache_write_1h=5),
    steps=((9, Rates(input=6, output=7, cached_input=8, cache_write=9, cache_write_1h=10)),),
    source="genai-prices 0.2.3, openai, 2026-11-21",
)


def test_a_price_comes_back_as_it_was_with_its_source() -> None:
    for price in (FULL, replace(FULL, source="genai-prices 0.2.3, openai, 2026-11-22")):
        found = price_from_json(price_to_json(price))
        assert (found, found.source) == (price, price.source)


def test_a_price_that_was_written_before_writes_for_an_hour_had_a_rate_can_be_read() -> None:
    rates = '{"input": 1, "output": 2, "cached_input": 3, "cache_write": 4}'
    price = price_from_json(f'{{"base": {rates}, "steps": [[9, {rates}]], "source": "settings"}}')
    same = Rates(input=1, output=2, cached_input=3, cache_write=4, cache_write_1h=4)
    assert (price, price.source) == (Price(base=same, steps=((9, same),)), "settings")
