"""What is sent to a model, to the letter."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.task import Attachment, Message, TaskRequest
from koubou.rules.body_fields import refused_field
from koubou.rules.bound import MESSAGE_TOKENS, REQUEST_TOKENS, input_bound
from koubou.rules.request_body import (
    body_of,
    chat_body,
    conversation,
    conversation_bytes,
    conversation_growth,
    messages_body,
)
from tests.builders import a_tier

MAY_BE_SENT = {
    *("model", "messages", "stream", "stream_options", "max_completion_tokens", "max_tokens", "n", "service_tier"),
    *("temperature", "top_p", "reasoning_effort", "response_format"),
}


def sent(request: TaskRequest, inputs: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in conversation(request, inputs or {})]


def test_a_prompt_is_one_message_of_the_user_after_the_system_prompt() -> None:
    assert sent(TaskRequest(prompt="Why?")) == [("user", "Why?")]
    assert sent(TaskRequest(prompt="Why?", system="Be brief.")) == [("system", "Be brief."), ("user", "Why?")]


def test_a_conversation_is_sent_as_it_stands() -> None:
    messages = (
        Message(role="user", content="a"),
        Message(role="assistant", content="b"),
        Message(role="user", content="c"),
    )
    assert sent(TaskRequest(messages=messages)) == [("user", "a"), ("assistant", "b"), ("user", "c")]


def test_attached_files_follow_what_is_asked() -> None:
    files = (Attachment(name="a.py", content="A"), Attachment(name="b.py", content="B"))
    told = "\n\n--- file: a.py ---\nA\n\n--- file: b.py ---\nB"
    assert sent(TaskRequest(prompt="Look:", attachments=files)) == [("user", "Look:" + told)]
    messages = (Message(role="user", content="a"), Message(role="user", content="Look:"))
    assert sent(TaskRequest(messages=messages, attachments=files))[-1] == ("user", "Look:" + told)


@pytest.mark.parametrize(
    ("prompt", "filled"),
    [
        ("Do {{ inputs.plan }}!", "Do the plan!"),
        ("{{inputs.plan}}{{ inputs.plan }}", "the planthe plan"),
        ("{{ inputs.other }} {{ plan }} {{ inputs.plan", "{{ inputs.other }} {{ plan }} {{ inputs.plan"),
        ("{{ {{ inputs.plan }} }}", "{{ the plan }}"),
        ("no place for it", "no place for it"),
    ],
)
def test_answers_of_other_tasks_stand_where_they_are_named(prompt: str, filled: str) -> None:
    assert sent(TaskRequest(prompt=prompt), {"plan": "the plan"}) == [("user", filled)]


def test_an_answer_is_never_searched_for_further_places() -> None:
    inputs = {"a": "{{ inputs.b }}", "b": "secret"}
    assert sent(TaskRequest(prompt="{{ inputs.a }}"), inputs) == [("user", "{{ inputs.b }}")]


def test_bytes_are_counted_as_they_travel_with_the_schema() -> None:
    messages = [{"role": "user", "content": "工\n"}]
    plain = len('[{"role":"user","content":"工\\n"}]'.encode())
    assert conversation_bytes(messages, None) == plain
    assert conversation_bytes(messages, {"type": "object"}) == plain + len('{"type":"object"}')


def test_an_answer_counts_as_often_as_it_is_named() -> None:
    request = TaskRequest(prompt="{{ inputs.a }} {{ inputs.a }}", system="{{ inputs.b }}")
    assert conversation_growth(request, {"a": 10, "b": 100, "unused": 1_000}) == 120
    assert conversation_growth(TaskRequest(prompt="a"), {"a": 10}) == 0


def body(provider: str = "openai", **changes: Any) -> dict[str, Any]:
    request = TaskRequest(prompt="Why?", **changes.pop("request", {}))
    return chat_body(a_tier(provider=provider, **changes), request, conversation(request, {}), 77)


def test_only_known_fields_are_sent_and_what_could_raise_the_price_is_pinned() -> None:
    full = {
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning_effort": "high",
        "request": {"response_format": {"type": "object"}},
    }
    for made in (body(), body(**full), body("ollama", **full)):
        assert set(made) <= MAY_BE_SENT
        assert made["stream"] is True
        assert made["stream_options"] == {"include_usage": True}
    assert (body()["n"], body()["service_tier"], body()["max_completion_tokens"]) == (1, "default", 77)
    assert "max_tokens" not in body()


def test_other_servers_get_the_cap_by_its_older_name() -> None:
    made = body("ollama")
    assert made["max_tokens"] == 77
    assert not {"max_completion_tokens", "service_tier", "n"} & set(made)


def test_what_is_not_set_is_not_sent_and_the_tasks_wish_goes_before_the_tiers() -> None:
    assert not {"temperature", "top_p", "reasoning_effort", "response_format"} & set(body())
    assert body(temperature=0.5)["temperature"] == 0.5
    assert body(temperature=0.5, request={"temperature": 0.0})["temperature"] == 0.0


def test_a_schema_is_sent_as_json_schema() -> None:
    made = body(request={"response_format": {"type": "object"}})
    assert made["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


CLAUDE = a_tier("claude", executor="messages", provider="anthropic", model="claude-small")
SCHEMA = {"type": "object", "required": ["n"]}


def test_a_message_for_anthropic_has_its_system_prompt_apart_and_nothing_that_raises_the_price() -> None:
    request = TaskRequest(prompt="Why?", system="Be brief.", temperature=0.5)
    assert messages_body(CLAUDE, request, conversation(request, {}), 700) == {
        "model": "claude-small",
        "max_tokens": 700,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Why?"}],
        "temperature": 0.5,
        "service_tier": "standard_only",
        "stream": True,
    }


def test_only_what_the_tier_says_goes_along() -> None:
    tier = a_tier("claude", executor="messages", reasoning_effort="low", top_p=0.9)
    body = messages_body(tier, TaskRequest(prompt="x"), conversation(TaskRequest(prompt="x"), {}), 1)
    assert (body["output_config"], body["top_p"], "temperature" in body) == ({"effort": "low"}, 0.9, False)
    assert refused_field("messages", body) is None


def test_each_executor_is_asked_in_its_own_api() -> None:
    request = TaskRequest(prompt="Why?")
    for executor, api in (("messages", "messages"), ("chat", "chat"), ("command:x", "chat"), ("rehearsal", "chat")):
        found, body = body_of(a_tier(executor=executor), request, conversation(request, {}), 5)
        assert (found, refused_field(found, body)) == (api, None)


@pytest.mark.parametrize("system", ["", "S"])
def test_a_schema_that_is_asked_for_in_words_stays_within_the_bound(system: str) -> None:
    request = TaskRequest(prompt="Q", system=system, response_format=SCHEMA)
    messages = conversation(request, {})
    body = messages_body(CLAUDE, request, messages, 5)
    assert body["messages"][-1]["content"] == 'Q\n\nAnswer as JSON by schema: {"type":"object","required":["n"]}'
    said = sum(len(part.encode()) for part in (body["messages"][-1]["content"], body.get("system", "")))
    most = said + REQUEST_TOKENS + MESSAGE_TOKENS * len(messages)
    assert most <= input_bound(conversation_bytes(messages, SCHEMA), len(messages))
