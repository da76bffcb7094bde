"""Prices from the offline table, in our words: to the nano-dollar where it is clear, else never below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from genai_prices import Usage as Asked
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot

from koubou.config.prices import NoPrice, from_table, line_to_add, nearest_names
from koubou.model.call import Usage
from koubou.model.money import Rates, nano
from koubou.rules.price import cost, rates_for

AT = 1_795_000_000_000  # 2026-11-18
DAY = datetime(2026, 11, 18, tzinfo=UTC)
READ = (0, 1, 999, 200_000, 200_001, 272_000, 272_001, 390_000)
OUTPUT = (0, 7, 32_000)
SHARES = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 1))
"""How many thirds of the input were cached, and written to a cache."""


def usages() -> Iterator[Usage]:
    for read, output, (cached, written) in product(READ, OUTPUT, SHARES):
        yield Usage(
            input_tokens=read,
            output_tokens=output,
            cached_input_tokens=read * cached // 3,
            cache_write_tokens=read * written // 3,
        )


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-5", "openai"),
        ("gpt-5.4", "openai"),
        ("claude-sonnet-4-5", "anthropic"),
        ("claude-opus-4-5", "anthropic"),
        ("gpt-5.6", "openai"),
    ],
)
def test_a_cost_is_what_the_table_itself_asks_to_the_nano_dollar(model: str, provider: str) -> None:
    price = from_table(model, provider, None, AT).price
    compared = 0
    for usage in usages():
        asked = Asked(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        when = DAY + timedelta(hours=7)
        bill = calc_price(asked, model, provider_id=provider, genai_request_timestamp=when).total_price
        assert Decimal(0) <= cost(usage, price) - bill * 10**9 < 1, usage
        compared += 1
    assert compared == len(READ) * len(OUTPUT) * len(SHARES)


@pytest.mark.parametrize(
    ("model", "read", "output", "rate", "answer"),
    [
        ("claude-sonnet-4-5", 100_000, 1_000, 3, 15),
        ("claude-sonnet-4-5", 300_000, 1_000, 6, Decimal("22.5")),
        ("claude-opus-4-5", 100_000, 1_000, 5, 25),
        ("claude-haiku-4-5", 100_000, 1_000, 1, 5),
    ],
)
def test_what_is_written_for_an_hour_costs_twice_the_input(
    model: str, read: int, output: int, rate: int, answer: int | Decimal
) -> None:
    """By hand, from Anthropic's page on prompt caching: 5 m writes are 1.25x, 1 h writes 2x, reads 0.1x the input."""
    price = from_table(model, "anthropic", None, AT).price
    usage = Usage(
        input_tokens=read,
        output_tokens=output,
        cached_input_tokens=read // 10,
        cache_write_tokens=read // 2,
        cache_write_1h_tokens=read // 5,
    )
    fresh, five_minutes = read - read // 10 - read // 2, read // 2 - read // 5
    parts = fresh + read // 10 * Decimal("0.1") + five_minutes * Decimal("1.25") + read // 5 * 2
    assert cost(usage, price) == nano((parts * rate + output * answer) / 1_000_000)


def test_long_context_is_a_step_that_rates_the_whole_request_anew() -> None:
    price = from_table("gpt-5.4", "openai", None, AT).price
    assert price.base == Rates(input=nano("2.5"), output=nano(15), cached_input=nano("0.25"), cache_write=nano("2.5"))
    assert price.steps == (
        (272_000, Rates(input=nano(5), output=nano("22.5"), cached_input=nano("0.5"), cache_write=nano(5))),
    )


def test_writing_to_a_cache_has_a_rate_for_each_of_its_kinds() -> None:
    base = from_table("claude-sonnet-4-5", "anthropic", None, AT).price.base
    assert (base.cached_input, base.cache_write, base.cache_write_1h) == (nano("0.3"), nano("3.75"), nano(6))
    base = from_table("gpt-5", "openai", None, AT).price.base
    assert base.cache_write == base.cache_write_1h == base.input


def test_a_price_says_where_it_is_from_and_of_which_day() -> None:
    listing = from_table("gpt-5", "openai", None, AT)
    assert (listing.price.source, listing.provider) == ("genai-prices 0.2.3, openai, 2026-11-18", "openai")


def test_the_day_decides_where_a_price_has_changed() -> None:
    before, after = (from_table("gpt-5.6", "openai", None, at).price.base.input for at in (1_786_000_000_000, AT))
    assert (before, after) == (nano(5), nano(4))  # lowered on 2026-08-21


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


def test_the_line_to_add_is_yaml_whatever_the_models_name() -> None:
    import yaml

    for model in ("gpt-6", "qwen2.5:7b", "@cf/meta/llama", "a b", "4.5", 'quo"te'):
        line = line_to_add(model).replace("<USD>", "1")
        assert yaml.safe_load(line) == {"prices": {model: {"input": 1, "output": 1}}}


def test_the_nearest_names_are_those_that_have_a_price() -> None:
    assert "gpt-5" in nearest_names("gpt5", (), "openai")
    assert nearest_names("our-modle", ["our-model"], None)[0] == "our-model"
    assert nearest_names("~~~~", (), "nobody") == []


def test_no_price_of_the_table_is_below_what_the_table_itself_asks() -> None:
    """For every text model that gets a price, at any hour of the day, short and long, with and without a cache."""
    priced = 0
    for provider in get_snapshot().providers:
        if provider.id not in {"openai", "anthropic", "google", "deepseek", "mistral", "groq", "x-ai"}:
            continue
        for model in provider.models:
            try:
                price = from_table(model.id, provider.id, None, AT).price
            except NoPrice:
                continue
            priced += 1
            assert not price.free
            for hour in (0, 7, 17):
                for fresh, cached, output in ((1000, 0, 500), (250_000, 30_000, 9), (150_000, 0, 1)):
                    asked = calc_price(
                        Asked(input_tokens=fresh + cached, cache_read_tokens=cached, output_tokens=output),
                        model.id,
                        provider_id=provider.id,
                        genai_request_timestamp=DAY + timedelta(hours=hour),
                    ).total_price
                    usage = Usage(input_tokens=fresh + cached, cached_input_tokens=cached, output_tokens=output)
                    assert cost(usage, price) >= nano(asked), (provider.id, model.id)
    assert priced > 100


def test_no_rate_for_writes_is_below_the_rate_for_plain_input() -> None:
    """Some listings charge less for a write than for reading: what is meant there is the cache's rent."""
    for provider in get_snapshot().providers:
        for model in provider.models if provider.id in {"anthropic", "minimax", "google"} else ():
            try:
                price = from_table(model.id, provider.id, None, AT).price
            except NoPrice:
                continue
            for tokens in (0, *(threshold + 1 for threshold, _ in price.steps)):
                rates = rates_for(price, tokens)
                assert rates.input <= rates.cache_write <= rates.cache_write_1h, (provider.id, model.id)
