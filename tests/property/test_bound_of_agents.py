"""What is held for a call of an agent is never below what its provider counts, however the conversation grew."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from koubou.rules.agent_request import Memory
from koubou.rules.body_fields import Api
from koubou.rules.bound import MESSAGE_TOKENS, TOOLS_TOKENS
from tests.builders import a_tier

TIER = a_tier(window=None)
TEXTS = some.text(max_size=60) | some.text(alphabet='\x00"\\é日🏮\ud800', max_size=20)
APIS: tuple[Api, ...] = ("chat", "messages", "responses")


def item(api: Api, role: str, text: str, marked: bool) -> dict[str, Any]:
    kind = {"chat": "text", "messages": "text", "responses": "input_text"}[api]
    part: dict[str, Any] = {"type": kind, "text": text}
    if marked and api == "messages":
        part["cache_control"] = {"type": "ephemeral"}
    return {"role": role, "content": [part]}


def counted(body: dict[str, Any], api: Api, per_byte: float) -> int:
    """As a byte-level tokenizer counts at the very most: a token for each byte of text, and frames."""
    said = body["input" if api == "responses" else "messages"]
    fixed = json.dumps([body.get("system"), body.get("tools"), body.get("temperature")]).encode()
    texts = [part["text"].encode("utf-8", "surrogatepass") for each in said for part in each["content"]]
    whole = sum(len(text) for text in texts) + len(fixed) - len("[null, null, null]")
    return int(per_byte * whole) + MESSAGE_TOKENS * len(said) + (TOOLS_TOKENS if body.get("tools") else 0)


@given(some.data(), some.sampled_from(APIS), some.sampled_from([1.0, 0.5, 0.2]))
def test_no_count_is_above_its_bound(data: some.DataObject, api: Api, per_byte: float) -> None:
    memory = Memory()
    name = "input" if api == "responses" else "messages"
    body: dict[str, Any] = {"model": "m", name: []}
    items: list[dict[str, Any]] = []
    for _ in range(data.draw(some.integers(1, 5))):
        if items and data.draw(some.booleans()):  # something of what was said is changed, or a mark moves
            place = data.draw(some.integers(0, len(items) - 1))
            items[place] = item(api, "user", data.draw(TEXTS), data.draw(some.booleans()))
        if data.draw(some.integers(0, 4)) == 0 and api != "responses":
            body["temperature"] = data.draw(some.sampled_from([0, 0.5, 1]))
        items += [
            item(api, data.draw(some.sampled_from(["user", "assistant"])), data.draw(TEXTS), data.draw(some.booleans()))
            for _ in range(data.draw(some.integers(0, 3)))
        ]
        body[name] = items
        request = memory.read(api, json.dumps(body).encode())
        length = len(request.head(TIER) + request.end(TIER, 500))
        tokens = counted(body, api, per_byte)
        assert tokens <= memory.bound(TIER, request, length)
        memory.allowed(request)
        if data.draw(some.booleans()):
            answer = data.draw(some.integers(0, 100))
            memory.answered(request.chain(), tokens + answer)


def test_what_goes_on_from_an_answered_request_is_bounded_by_what_was_counted() -> None:
    memory = Memory()
    body = {"model": "m", "messages": [item("messages", "user", "x" * 50_000, True)]}
    first = memory.read("messages", json.dumps(body).encode())
    assert memory.bound(TIER, first, len(first.head(TIER))) > 50_000
    memory.answered(first.chain(), 9_000)
    body["messages"][0]["content"][0].pop("cache_control")  # type: ignore[index, attr-defined]
    body["messages"].append(item("messages", "assistant", "y" * 100, False))
    second = memory.read("messages", json.dumps({**body, "max_tokens": 7, "stream": True}).encode())
    assert 9_100 < memory.bound(TIER, second, len(second.head(TIER))) < 10_100
    body["messages"][0] = item("messages", "user", "z" * 50_000, False)  # type: ignore[index]
    changed = memory.read("messages", json.dumps(body).encode())
    assert memory.bound(TIER, changed, len(changed.head(TIER))) > 50_000
    for other in ({"system": "s"}, {"tools": []}, {"temperature": 1}, {"thinking": {"type": "adaptive"}}):
        request = memory.read("messages", json.dumps({**body, **other}).encode())
        assert memory.bound(TIER, request, len(request.head(TIER))) > 50_000
