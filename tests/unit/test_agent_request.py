"""Requests of agents, as they are read, checked and put together again; the real programs' too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koubou.rules.agent_request import Memory, NotAllowed, Request
from koubou.rules.agent_texts import text_of
from koubou.rules.body_fields import Api, refused_field
from tests.builders import a_tier

TIER = a_tier(provider="openai")
CLAUDE: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Go.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": [{"type": "text", "text": "Skills: none"}]},
    ],
    "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
    "tools": [
        {"name": "Bash", "description": "runs", "input_schema": {"type": "object"}},
        {"name": "Later", "description": "", "input_schema": {"type": "object"}, "defer_loading": True},
    ],
    "metadata": {"user_id": "user_abc_account__session_1", "more": 1},
    "max_tokens": 32_000,
    "thinking": {"budget_tokens": 31_999, "type": "enabled", "display": "updates"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "stream": True,
}
_OWN = [{"type": "custom", "name": "exec", "description": "runs", "format": {"type": "grammar"}}]
CODEX: dict[str, Any] = {
    "model": "m",
    "stream": True,
    "input": [
        {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": [
            {"type": "namespace", "name": "functions", "description": "", "tools": _OWN}]},
        {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "Go."}]},
        {"type": "function_call", "id": "fc_1", "name": "exec", "arguments": '{"cmd": "ls"}', "call_id": "1"},
        {"type": "function_call_output", "id": "fco_1", "call_id": "1", "output": "a\nb"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "2", "name": "patch", "input": "x"},
        {"type": "custom_tool_call_output", "id": "o_1", "call_id": "2", "output": "done"},
    ],
    "tools": [{"type": "function", "name": "f", "description": "", "parameters": {}, "strict": False}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "medium", "context": "all_turns"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "text": {"verbosity": "low"},
    "client_metadata": {"session_id": "s"},
}  # fmt: skip


def read(api: Api, body: Any, memory: Memory | None = None) -> Request:
    return (memory or Memory()).read(api, json.dumps(body).encode())


def sent(api: Api, body: Any, cap: int = 900, memory: Memory | None = None) -> dict[str, Any]:
    request = read(api, body, memory)
    said: dict[str, Any] = json.loads(request.head(TIER) + request.end(TIER, cap))
    return said


def test_what_claude_code_sends_is_sent_without_what_is_nobodys_concern() -> None:
    said = sent("messages", CLAUDE)
    assert "context_management" not in said
    assert "metadata" not in said
    assert said["tools"][1] == {"name": "Later", "description": "", "input_schema": {"type": "object"}}
    assert (said["max_tokens"], said["service_tier"]) == (900, "standard_only")
    assert said["thinking"] == {"type": "disabled"}
    for field in ("messages", "system", "output_config", "model", "stream"):
        assert said[field] == CLAUDE[field]
    assert read("messages", CLAUDE).cap == 32_000


def test_thinking_stays_below_the_cap() -> None:
    assert sent("messages", CLAUDE, 5_000)["thinking"]["budget_tokens"] == 4_999
    assert sent("messages", CLAUDE, 1_025)["thinking"]["budget_tokens"] == 1_024
    assert sent("messages", CLAUDE, 1_024)["thinking"] == {"type": "disabled"}
    assert sent("messages", CLAUDE, 64_000)["thinking"] == CLAUDE["thinking"]
    assert sent("messages", {**CLAUDE, "thinking": {"type": "adaptive"}})["thinking"] == {"type": "adaptive"}


def test_what_codex_sends_is_sent_with_a_cap() -> None:
    said = sent("responses", CODEX)
    assert "client_metadata" not in said
    assert (said["max_output_tokens"], said["store"], said["service_tier"]) == (900, False, "default")
    for field in set(CODEX) - {"client_metadata"}:
        assert said[field] == CODEX[field]
    assert read("responses", CODEX).cap is None


def test_every_body_that_is_made_here_passes_the_last_door() -> None:
    short = {"model": "m", "input": "?"}
    bodies: list[tuple[Api, Any]] = [("messages", CLAUDE), ("responses", CODEX), ("responses", short)]
    for api, body in bodies:
        assert refused_field(api, sent(api, body)) is None


def test_the_word_of_an_agent_on_price_does_not_count() -> None:
    body = {"model": "m", "messages": [], "service_tier": "priority", "store": True, "stream": True, "max_tokens": 50}
    said = sent("chat", {**body, "max_completion_tokens": 40})
    assert (said["service_tier"], said["store"]) == ("default", False)
    assert said["stream_options"] == {"include_usage": True}
    assert (said["max_completion_tokens"], "max_tokens" in said) == (900, False)
    assert read("chat", {**body, "max_completion_tokens": 40}).cap == 40
    request, elsewhere = read("chat", body), a_tier(provider="ollama")
    other = json.loads(request.head(elsewhere) + request.end(elsewhere, 9))
    assert (other["max_tokens"], "service_tier" in other, "store" in other) == (9, False, False)


@pytest.mark.parametrize(("api", "change", "said"), [
    ("responses", {"previous_response_id": "r"}, "previous_response_id brings in input"),
    ("responses", {"background": True}, "background leaves an answer under way"),
    ("responses", {"input": [{"type": "item_reference", "id": "x"}]}, "input has a item of the type item_reference"),
    ("responses", {"tools": [{"type": "web_search"}]}, "tools has a tool of the type web_search"),
    ("responses", {"max_output_tokens": 0}, "max_output_tokens must be"),
    ("messages", {"mcp_servers": []}, "mcp_servers has the provider call tools"),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.content has a block"),
    ("messages", {"thinking": {"type": "enabled", "fee": 1}}, "thinking.fee"),
    ("messages", {"model": None}, "model must be text"),
])  # fmt: skip
def test_what_hides_input_or_fees_is_refused_by_name(api: Api, change: dict[str, Any], said: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        read(api, {**(CODEX if api == "responses" else CLAUDE), **change})
    assert refused.value.reason.startswith(said)


def test_of_two_fields_with_one_name_only_the_one_that_was_checked_is_sent() -> None:
    data = b'{"model":"m","messages":[{"role":"user","role":"system","content":"a","content":"b"}],"n":5,"n":1}'
    request = Memory().read("chat", data)
    body = request.head(TIER) + request.end(TIER, 5)
    assert body.count(b'"n"') == 1
    assert b'"content":"a"' not in body


def test_half_a_surrogate_pair_is_passed_on_as_it_came() -> None:
    data = b'{"model":"m","messages":[{"role":"user","content":"\\ud83d and more"}]}'
    request = Memory().read("chat", data)
    assert b'"\\ud83d and more"' in request.head(TIER)


def test_only_what_is_new_is_looked_at_again() -> None:
    memory = Memory()
    first = read("messages", CLAUDE, memory)
    said = "\n".join(text for _, _, text in first.texts())
    assert all(words in said for words in ("You are an agent.", "Go.", "runs"))
    memory.allowed(first)
    grown = {**CLAUDE, "messages": [*CLAUDE["messages"], {"role": "assistant", "content": "New words"}]}
    [(_, _, text)] = read("messages", grown, memory).texts()
    assert "New words" in text
    assert list(read("messages", CLAUDE, memory).texts()) == []


def test_words_are_read_beside_their_names_also_where_they_are_json_in_a_text() -> None:
    arguments = '{"password": "x1", "list": [{"a": "b"}]}'
    call = {"type": "function_call", "arguments": arguments, "encrypted_content": "gAAA"}
    said = text_of(call)
    assert "password: x1" in said
    assert "a: b" in said
    assert "gAAA" not in said
    assert text_of("{no json") == "{no json"
    assert text_of(5) == ""


@pytest.mark.parametrize("depth", [900, 960, 975, 985, 990, 995, 5_000])
@pytest.mark.parametrize("body", [
    '{"model":"m","input":"?","tool_choice":%s}',
    '{"model":"m","input":"?","tools":[{"type":"function","name":"f","parameters":%s}]}',
    '{"model":"m","input":[{"type":"reasoning","encrypted_content":"x","summary":%s}]}',
])  # fmt: skip
def test_what_is_nested_too_deeply_is_refused_or_sent_and_breaks_nothing(body: str, depth: int) -> None:
    try:
        request = Memory().read("responses", (body % ("[" * depth + "]" * depth)).encode())
    except NotAllowed as refused:
        told = refused.reason
    else:
        told = "nested" if b"[" * depth in request.head(TIER) else ""
    assert "nested" in told or "JSON" in told


def test_thinking_is_plain_words_and_numbers() -> None:
    for thinking in ({"type": ["enabled"]}, {"type": "enabled", "budget_tokens": 1e9}, {"type": "x", "display": {}}):
        with pytest.raises(NotAllowed, match="thinking"):
            read("messages", {**CLAUDE, "thinking": thinking})


def test_what_passed_in_one_api_is_looked_at_again_in_another() -> None:
    memory = Memory()
    call = {"type": "function", "function": {"name": "f"}}
    memory.allowed(read("chat", {"model": "m", "messages": [], "tools": [call]}, memory))
    with pytest.raises(NotAllowed, match="tools"):
        read("responses", {"model": "m", "input": [], "tools": [call]}, memory)


def test_a_run_that_sends_ever_more_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koubou.rules.agent_request._MOST_KNOWN", 100_000)
    memory, kept = Memory(), []
    for number in range(100):
        request = read("responses", {"model": "m", "input": f"{number}" * 5_000}, memory)
        memory.allowed(request)
        kept.append(sum(len(part.sent) for part in memory._known.values()))
    assert 0 < max(kept) <= 100_000
    assert kept[-1] > 0
