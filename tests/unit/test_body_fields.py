"""What may stand in a request to a model: everything of ours, nothing that hides input or fees."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.task import Message, TaskRequest
from koubou.rules.body_fields import FIELDS, REASONS, Api, refused_field
from koubou.rules.request_body import chat_body, conversation
from tests.builders import a_tier

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "max_tokens": 9}
RESPONSES = {"model": "m", "input": "Why?", "max_output_tokens": 9}
MESSAGES = {"model": "m", "messages": [{"role": "user", "content": "Why?"}], "max_tokens": 9}
BODIES: dict[Api, dict[str, Any]] = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}


def refused(api: Api, **fields: Any) -> str:
    return refused_field(api, {**BODIES[api], **fields}) or ""


def test_every_body_that_is_made_here_may_be_sent() -> None:
    request = TaskRequest(
        system="Be brief.",
        messages=(Message(role="user", content="a"), Message(role="assistant", content="b")),
        response_format={"type": "object", "audio": {"store": True}},
        temperature=0.5,
    )
    for provider in ("openai", "ollama"):
        tier = a_tier(provider=provider, top_p=0.9, reasoning_effort="high")
        assert refused_field("chat", chat_body(tier, request, conversation(request, {}), 77)) is None


@pytest.mark.parametrize("api", FIELDS)
@pytest.mark.parametrize("field", [*REASONS, "input_file_ids", "fee", "", "\x1b[2J", "x" * 999])
def test_what_is_not_on_the_list_is_refused_by_its_name(api: Api, field: str) -> None:
    said = refused(api, **{field: "x"})
    assert said.endswith(REASONS.get(field, "is not on the list of fields whose price is known"))
    assert said.isprintable()
    assert len(said) < 200
    if field in REASONS:
        assert said.startswith(field)


@pytest.mark.parametrize(
    ("api", "fields", "said"),
    [
        ("chat", {"n": 2}, "n may only be 1"),
        ("chat", {"n": True}, "n may only be 1"),
        ("chat", {"n": None}, "n may only be 1"),
        ("chat", {"service_tier": "priority"}, "service_tier may only be default"),
        ("chat", {"service_tier": "auto"}, "service_tier may only be default"),
        ("chat", {"service_tier": None}, "service_tier may only be default"),
        ("responses", {"service_tier": "flex"}, "service_tier may only be default"),
        ("messages", {"service_tier": "auto"}, "service_tier may only be standard_only"),
        ("chat", {"store": True}, "store may only be false or null"),
        ("responses", {"store": True}, "store may only be false or null"),
        ("chat", {"modalities": ["text", "audio"]}, "modalities may only be ['text'] or null"),
        ("chat", {"max_tokens": None}, "max_tokens must be a whole number above 0"),
        ("chat", {"max_tokens": True}, "max_tokens must be a whole number above 0"),
        ("messages", {"max_tokens": 1.5}, "max_tokens must be a whole number above 0"),
        ("responses", {"max_output_tokens": 0}, "max_output_tokens must be a whole number above 0"),
        ("chat", {"stream_options": {"include_usage": True, "more": 1}}, "stream_options.more is not on the list"),
        ("messages", {"cache_control": {"type": "ephemeral", "ttl": "1d"}}, "cache_control.ttl may only be 5m or 1h"),
        ("messages", {"output_config": {"effort": "low", "format": {}}}, "output_config.format is not on the list"),
        ("chat", {"messages": "Why?"}, "messages must be a list"),
        ("chat", {"messages": ["Why?"]}, "messages must be an object"),
        ("responses", {"include": ["file_search_call.results"]}, "include may only be"),
        ("responses", {"input": 5}, "input must be a list"),
    ],
)
def test_what_raises_the_price_is_refused_by_its_value(api: Api, fields: dict[str, Any], said: str) -> None:
    assert refused(api, **fields).startswith(said)


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("chat", "image_url"),
        ("chat", "input_audio"),
        ("chat", "file"),
        ("responses", "input_image"),
        ("responses", "input_file"),
        ("messages", "image"),
        ("messages", "document"),
        ("messages", "container_upload"),
        ("messages", "server_tool_use"),
        ("messages", "web_search_tool_result"),
    ],
)
def test_only_text_is_sent(api: Api, kind: str) -> None:
    parts = [{"type": "input_text" if api == "responses" else "text", "text": "Look:"}, {"type": kind, kind: {}}]
    field = "input" if api == "responses" else "messages"
    assert f"of the type {kind}, which is not on the list" in refused(
        api, **{field: [{"role": "user", "content": parts}]}
    )


def test_no_text_hides_behind_an_answer_of_a_tool() -> None:
    seen = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image", "source": {}}]}
    assert "of the type image" in refused("messages", messages=[{"role": "user", "content": [seen]}])
    output = {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "image_url": "x"}]}
    assert "of the type input_image" in refused("responses", input=[output])


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("chat", "web_search"),
        *[
            ("responses", kind)
            for kind in ("web_search", "code_interpreter", "file_search", "computer", "mcp", "shell")
        ],
        *[("messages", kind) for kind in ("web_search_20250305", "code_execution_20250825", "bash_20250124", "")],
    ],
)
def test_tools_of_the_provider_are_refused(api: Api, kind: str) -> None:
    assert "tools has a tool of the type" in refused(api, tools=[{"type": kind, "name": "x"}])


def test_input_that_the_request_only_names_is_refused() -> None:
    assert "of the type item_reference" in refused("responses", input=[{"type": "item_reference", "id": "msg_1"}])
    assert "by its id only" in refused("responses", input=[{"type": "reasoning", "id": "rs_1", "summary": []}])
    assert refused("responses", input=[{"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA"}]) == ""
    assert "by its id only" in refused("responses", input=[{"id": "msg_1"}])
    assert refused("responses", input=[{"id": "msg_1", "role": "assistant", "content": "Yes."}]) == ""
    spoken = {"role": "assistant", "audio": {"id": "audio_1"}}
    assert refused("chat", messages=[spoken]).startswith("messages.audio ")


def test_what_agents_send_may_be_sent() -> None:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    call = {"id": "1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    assert not refused(
        "chat",
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        tools=[{"type": "function", "function": {"name": "read", "parameters": schema, "strict": True}}],
        tool_choice="auto",
        store=False,
    )
    assert not refused(
        "responses",
        instructions="Be brief.",
        input=[
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]},
            {"type": "function_call", "call_id": "1", "name": "shell", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "ok"},
        ],
        tools=[{"type": "function", "name": "shell", "parameters": schema}, {"type": "custom", "name": "patch"}],
        reasoning={"effort": "high", "summary": "auto"},
        include=["reasoning.encrypted_content"],
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "a", "schema": schema}},
        prompt_cache_key="x",
        store=False,
        stream=True,
        service_tier="default",
    )
    cached = {"type": "ephemeral", "ttl": "1h"}
    assert not refused(
        "messages",
        system=[{"type": "text", "text": "Be brief.", "cache_control": cached}],
        messages=[
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "read", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok"}]},
        ],
        tools=[{"name": "read", "description": "reads", "input_schema": schema, "cache_control": cached}],
        thinking={"type": "enabled", "budget_tokens": 1024},
        service_tier="standard_only",
        stream=True,
    )
