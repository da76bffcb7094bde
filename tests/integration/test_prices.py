"""Prices from the offline table, in our words, never below what the provider asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from koubou.config.prices import NoPrice, from_table
from koubou.model.money import Price, Rates, nano

AT = 1_795_000_000_000  # 2026-11-18
DAY = datetime(2026, 11, 18, tzinfo=UTC)


def cost(price: Price, *, fresh: int, cached: int, written: int, output: int) -> int:
    """What a call costs by our own words, in nano-dollars."""
    rates = price.base
    for above, step in price.steps:
        if fresh + cached + written > above:
            rates = step
    parts = (fresh * rates.input, cached * rates.cached_input, written * rates.cache_write, output * rates.output)
    return -(-sum(parts) // 1_000_000)


def test_long_context_is_a_step_that_rates_the_whole_request_anew() -> None:
    price = from_table("gpt-5.4", "openai", None, AT)
    assert price.base == Rates(input=nano("2.5"), output=nano(15), cached_input=nano("0.25"), cache_write=nano("2.5"))
    assert price.steps == (
        (272_000, Rates(input=nano(5), output=nano("22.5"), cached_input=nano("0.5"), cache_write=nano(5))),
    )


def test_writing_to_a_cache_costs_the_dearest_of_its_kinds() -> None:
    price = from_table("claude-sonnet-4-5", "anthropic", None, AT)
    assert (price.base.cache_write, price.base.cached_input) == (nano(6), nano("0.3"))


def test_the_provider_is_found_by_its_address() -> None:
    assert from_table("gpt-5", None, "https://api.openai.com/v1", AT) == from_table("gpt-5", "openai", None, AT)


@pytest.mark.parametrize(
    ("model", "provider", "url"),
    [
        ("gpt-unheard-of", "openai", None),
        ("gpt-5", "nobody", None),
        ("gpt-5", None, "https://llm.example.com/v1"),
        ("gpt-5", None, None),
    ],
)
def test_what_the_table_does_not_know_has_no_price(model: str, provider: str | None, url: str | None) -> None:
    with pytest.raises(NoPrice):
        from_table(model, provider, url, AT)


def test_no_price_of_the_table_is_below_what_the_table_itself_asks() -> None:
    """For every text model that gets a price, at any hour of the day, short and long, with and without a cache."""
    priced = 0
    for provider in get_snapshot().providers:
        if provider.id not in {"openai", "anthropic", "google", "deepseek", "mistral", "groq", "x-ai"}:
            continue
        for model in provider.models:
            try:
                price = from_table(model.id, provider.id, None, AT)
            except NoPrice:
                continue
            priced += 1
            assert not price.free
            for hour in (0, 7, 17):
                for fresh, cached, written, output in ((1000, 0, 0, 500), (250_000, 30_000, 0, 9), (150_000, 0, 0, 1)):
                    asked = calc_price(
                        Usage(input_tokens=fresh + cached + written, cache_read_tokens=cached, output_tokens=output),
                        model.id,
                        provider_id=provider.id,
                        genai_request_timestamp=DAY + timedelta(hours=hour),
                    ).total_price
                    held = cost(price, fresh=fresh, cached=cached, written=written, output=output)
                    assert held >= nano(asked), (provider.id, model.id)
    assert priced > 100
