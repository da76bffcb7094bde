"""What providers say that a call used, to the letter of their pages; what makes no sense is not believed."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.call import Usage
from koubou.rules.usage import MOST_TOKENS, MessageStream, chat_usage, messages_usage, responses_usage

CHAT = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 192, "accepted_prediction_tokens": 0},
}
MESSAGE = {
    "input_tokens": 50,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 248,
    "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 503,
    "service_tier": "standard",
}


def test_a_chat_completions_input_includes_cached_tokens_and_its_output_reasoning() -> None:
    assert chat_usage(CHAT) == Usage(
        input_tokens=2006, output_tokens=300, cached_input_tokens=1920, reasoning_tokens=192
    )


def test_responses_say_the_same_under_other_names() -> None:
    said = {
        "input_tokens": 81,
        "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 20},
        "output_tokens": 1035,
        "output_tokens_details": {"reasoning_tokens": 832},
        "total_tokens": 1116,
    }
    assert responses_usage(said) == Usage(
        input_tokens=81, output_tokens=1035, cached_input_tokens=10, cache_write_tokens=20, reasoning_tokens=832
    )


def test_a_messages_input_excludes_what_a_cache_gave_or_took() -> None:
    assert messages_usage(MESSAGE) == Usage(
        input_tokens=1298,
        output_tokens=503,
        cached_input_tokens=1000,
        cache_write_tokens=248,
        cache_write_1h_tokens=100,
    )


def test_counts_and_details_that_are_null_or_left_out_are_none() -> None:
    plain = Usage(input_tokens=5, output_tokens=7)
    assert chat_usage({"prompt_tokens": 5, "completion_tokens": 7}) == plain
    assert chat_usage({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": None}) == plain
    assert messages_usage({"input_tokens": 5, "output_tokens": 7, "cache_creation": None}) == plain


@pytest.mark.parametrize("odd", [True, -1, 5.0, float("nan"), "5", "", [5], {"value": 5}, MOST_TOKENS + 1, 10**30])
def test_what_is_no_count_makes_the_whole_unknown(odd: Any) -> None:
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert chat_usage({**CHAT, name: odd}) is None
    assert chat_usage({**CHAT, "prompt_tokens_details": {"cached_tokens": odd}}) is None
    assert chat_usage({**CHAT, "completion_tokens_details": {"reasoning_tokens": odd}}) is None
    for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        assert messages_usage({**MESSAGE, name: odd}) is None
    assert messages_usage({**MESSAGE, "cache_creation": {"ephemeral_1h_input_tokens": odd}}) is None


@pytest.mark.parametrize("said", [None, {}, [], "5", 5, {"prompt_tokens": 5}, {"output_tokens": 5}])
def test_where_input_or_output_is_missing_nothing_is_known(said: Any) -> None:
    assert chat_usage(said) is responses_usage(said) is messages_usage(said) is None
    assert chat_usage({**CHAT, "prompt_tokens_details": "none"}) is None


def test_sums_beyond_belief_are_not_believed() -> None:
    assert messages_usage({**MESSAGE, "input_tokens": MOST_TOKENS}) is None


def test_parts_that_do_not_fit_into_the_input_stand_beside_it() -> None:
    """Some servers count OpenAI's fields in Anthropic's way."""
    for details in ({"cached_tokens": 90}, {"cached_tokens": 30, "cache_write_tokens": 60}):
        usage = chat_usage({"prompt_tokens": 80, "completion_tokens": 1, "prompt_tokens_details": details})
        assert usage is not None
        assert (usage.input_tokens, usage.cached_input_tokens + usage.cache_write_tokens) == (170, 90)


def test_reasoning_that_is_only_in_the_total_is_output_as_well() -> None:
    """So does xAI: completion_tokens without reasoning_tokens, total_tokens with them."""
    details = {"reasoning_tokens": 300}
    said = {"prompt_tokens": 30, "completion_tokens": 10, "total_tokens": 340, "completion_tokens_details": details}
    for usage in (chat_usage(said), chat_usage({**said, "total_tokens": None})):
        assert usage is not None
        assert (usage.output_tokens, usage.reasoning_tokens) == (310, 300)


def test_a_total_below_its_parts_takes_nothing_from_them() -> None:
    usage = chat_usage({**CHAT, "total_tokens": 3})
    assert usage is not None
    assert usage.output_tokens == 300


@pytest.mark.parametrize(
    ("told", "parts", "written", "hour"),
    [
        (248, None, 248, 248),
        (248, {}, 248, 248),
        (248, {"ephemeral_5m_input_tokens": 200}, 248, 48),
        (0, {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 5}, 205, 5),
        (None, {"ephemeral_5m_input_tokens": 200}, 200, 0),
    ],
)
def test_what_is_written_for_nobody_knows_how_long_counts_as_for_an_hour(
    told: int | None, parts: Any, written: int, hour: int
) -> None:
    usage = messages_usage({**MESSAGE, "cache_creation_input_tokens": told, "cache_creation": parts})
    assert usage is not None
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (written, hour)
    assert usage.input_tokens == 1050 + written


def streamed(*events: Any) -> Usage | None:
    stream = MessageStream()
    for event in events:
        stream = stream.after(event)
    return stream.usage


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"usage": {**MESSAGE, "output_tokens": 2, **usage}}}


def delta(**usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


def test_a_stream_begins_with_the_input_and_ends_with_all_of_the_output() -> None:
    assert streamed(start(), {"type": "ping"}, delta(output_tokens=100), delta(output_tokens=503)) == messages_usage(
        MESSAGE
    )


def test_a_stream_may_say_its_input_again_at_the_end() -> None:
    usage = streamed(start(input_tokens=40), delta(output_tokens=503, input_tokens=50, cache_read_input_tokens=None))
    assert usage == messages_usage(MESSAGE)


def test_the_larger_input_counts_where_a_stream_contradicts_itself() -> None:
    usage = streamed(start(), delta(output_tokens=503, input_tokens=1))
    assert usage == messages_usage(MESSAGE)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (start(),),
        (delta(output_tokens=5),),
        (start(), {"type": "message_delta", "usage": {}}),
        (start(), delta(output_tokens=None)),
        (start(), delta(output_tokens="5")),
        (start(input_tokens=None), delta(output_tokens=5)),
        ({"type": "message_start", "message": None}, delta(output_tokens=5)),
        (start(), [], None, {"type": "message_delta", "usage": [5]}),
    ],
)
def test_a_stream_without_its_end_or_its_beginning_tells_nothing(events: tuple[Any, ...]) -> None:
    assert streamed(*events) is None
