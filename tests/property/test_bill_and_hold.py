"""What a provider reports, through the parser of its API and into the ledger, is never above what was held for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from koubou.model.call import Bill, Usage
from koubou.model.money import Price, Rates
from koubou.rules.bound import bound, bounded_input
from koubou.rules.price import cost
from koubou.rules.settle import settlement
from koubou.rules.usage import MOST_TOKENS, MessageStream, chat_usage, messages_usage, responses_usage
from tests.builders import a_tier

RATE = some.integers(0, 50_000_000_000) | some.sampled_from([0, 1, 125_000_000])
RATES = some.builds(Rates, input=RATE, output=RATE, cached_input=RATE, cache_write=RATE, cache_write_1h=RATE)
STEPS = some.lists(some.tuples(some.integers(0, 3_000), RATES), max_size=3, unique_by=lambda step: step[0])
PRICES = some.builds(Price, base=RATES, steps=STEPS.map(lambda steps: tuple(sorted(steps, key=lambda s: s[0]))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What truly happened; no part is counted in another."""

    fresh: int
    cached: int
    five_minutes: int
    hour: int
    spoken: int
    thought: int

    @property
    def read(self) -> int:
        return self.fresh + self.cached + self.five_minutes + self.hour

    @property
    def output(self) -> int:
        return self.spoken + self.thought


def as_chat(used: Used) -> Usage | None:
    return chat_usage(
        {
            "prompt_tokens": used.read,
            "completion_tokens": used.output,
            "total_tokens": used.read + used.output,
            "prompt_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.five_minutes},
            "completion_tokens_details": {"reasoning_tokens": used.thought},
        }
    )


def as_responses(used: Used) -> Usage | None:
    return responses_usage(
        {
            "input_tokens": used.read,
            "output_tokens": used.output,
            "total_tokens": used.read + used.output,
            "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.five_minutes},
            "output_tokens_details": {"reasoning_tokens": used.thought},
        }
    )


def said_by_anthropic(used: Used) -> dict[str, Any]:
    return {
        "input_tokens": used.fresh,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.five_minutes + used.hour,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.five_minutes,
            "ephemeral_1h_input_tokens": used.hour,
        },
        "output_tokens": used.output,
    }


def as_message(used: Used) -> Usage | None:
    return messages_usage(said_by_anthropic(used))


def as_stream(used: Used) -> Usage | None:
    """The output grows along the stream; the end may say the input again, or not."""
    said = said_by_anthropic(used)
    stream = MessageStream().after({"type": "message_start", "message": {"usage": {**said, "output_tokens": 1}}})
    for part in ({}, {"output_tokens": used.output // 2}, {"output_tokens": used.output, "input_tokens": used.fresh}):
        stream = stream.after({"type": "content_block_delta"}).after({"type": "message_delta", "usage": part})
    return stream.usage


APIS: Mapping[str, Callable[[Used], Usage | None]] = {
    "chat": as_chat,
    "responses": as_responses,
    "messages": as_message,
    "stream": as_stream,
}


@some.composite
def what_is_used(draw: some.DrawFn, most: int, cap: int, *, hours: bool) -> Used:
    """By a provider that honours the caps: no more input than the bound, no more output than the cap.

    Only Anthropic sells hours in its cache.
    """
    read = draw(some.just(most) | some.integers(0, most))
    cached = draw(some.integers(0, read))
    five_minutes = draw(some.integers(0, read - cached))
    hour = draw(some.integers(0, read - cached - five_minutes)) if hours else 0
    output = draw(some.just(cap) | some.integers(0, cap))
    thought = draw(some.integers(0, output))
    return Used(
        fresh=read - cached - five_minutes - hour,
        cached=cached,
        five_minutes=five_minutes,
        hour=hour,
        spoken=output - thought,
        thought=thought,
    )


def exact_bill(used: Used, price: Price) -> int:
    """What the provider charges, in fractions and rounded up once; our own sum, to hold the product's against."""
    rates = max([(-1, price.base), *price.steps], key=lambda step: (step[0] < used.read, step[0]))[1]
    charged = (
        (used.fresh, rates.input),
        (used.cached, rates.cached_input),
        (used.five_minutes, rates.cache_write),
        (used.hour, rates.cache_write_1h),
        (used.output, rates.output),
    )
    return ceil(sum(Fraction(count * rate, 1_000_000) for count, rate in charged))


@pytest.mark.parametrize("api", APIS)
@given(
    price=PRICES,
    size=some.integers(0, 3_000),
    messages=some.integers(1, 20),
    window=some.none() | some.integers(1, 4_000),
    cap=some.integers(0, 4_000),
    data=some.data(),
)
def test_no_bill_is_above_its_hold_whoever_tells_it(
    api: str, price: Price, size: int, messages: int, window: int | None, cap: int, data: some.DataObject
) -> None:
    most = bounded_input(a_tier(window=window), size, messages)
    hold = bound(price, most, cap)
    used = data.draw(what_is_used(most, cap, hours=api in ("messages", "stream")))
    usage = APIS[api](used)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (used.read, used.output)
    assert cost(usage, price) == exact_bill(used, price) <= hold
    outcome = settlement(bill=Bill.REPORTED, usage=usage, price=price, hold=hold)
    assert not outcome.above_hold
    assert not outcome.unreconciled


ODD = some.sampled_from([None, True, False, -1, 1.0, 2.5, "7", "", [], {}, 10**30, MOST_TOKENS + 1, float("nan")])
COUNTS = some.integers(0, 5_000) | ODD
INSIDE = some.dictionaries(
    some.sampled_from(
        [
            "cached_tokens",
            "cache_write_tokens",
            "reasoning_tokens",
            "ephemeral_5m_input_tokens",
            "ephemeral_1h_input_tokens",
        ]
    ),
    COUNTS,
)
NAMES = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
    *("cache_read_input_tokens", "cache_creation_input_tokens"),
]
DETAILS = ["prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details"]
ANYTHING = (
    some.builds(
        lambda counts, details: {**counts, **details},
        some.dictionaries(some.sampled_from(NAMES), COUNTS),
        some.dictionaries(some.sampled_from([*DETAILS, "cache_creation"]), INSIDE | ODD),
    )
    | ODD
)


@given(ANYTHING, ANYTHING)
@example({"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": True}, None)
def test_whatever_a_server_says_is_unknown_or_adds_up(said: Any, more: Any) -> None:
    streamed = MessageStream().after({"type": "message_start", "message": {"usage": said}})
    streamed = streamed.after({"type": "message_delta", "usage": more})
    for usage in (chat_usage(said), responses_usage(said), messages_usage(said), streamed.usage):
        if usage is None:
            continue
        counts = [getattr(usage, name) for name in Usage.__struct_fields__]
        assert all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts)
        assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.cache_write_1h_tokens <= usage.cache_write_tokens
        assert usage.reasoning_tokens <= usage.output_tokens


@given(PRICES, some.integers(0, 3_000), some.integers(0, 3_000), some.integers(0, 3_000), some.integers(0, 3_000))
def test_counts_that_contradict_one_another_are_never_read_to_our_gain(
    price: Price, read: int, cached: int, written: int, output: int
) -> None:
    """Each part that is named is charged, whatever the whole says."""
    said = {
        "prompt_tokens": read,
        "completion_tokens": output,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }
    usage = chat_usage(said)
    assert usage is not None
    whole = max(read, cached + written)
    parts = Used(fresh=whole - cached - written, cached=cached, five_minutes=written, hour=0, spoken=output, thought=0)
    if not price.steps:
        assert cost(usage, price) >= exact_bill(parts, price)
    assert usage.input_tokens >= whole
