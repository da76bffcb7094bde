"""The Responses API through the gateway, with a provider that sends it in pieces, breaks off, or says odd things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from knocking import KEY, OpenGate, a_cloud_tier, an_agent
from misbehaving import Plain, Provider, at_work

from koubou.model.call import Bill, ErrorClass

USED = {"input_tokens": 100, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 40}}


def event(kind: str, **parts: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n".encode()


HELLO = event("response.created", response={"status": "in_progress"}) + event(
    "response.output_text.delta", delta="Hi 🙂"
)
DONE = event("response.completed", response={"status": "completed", "usage": USED})
STREAMS: dict[str, bytes] = {
    "ok": HELLO + DONE,
    "crlf": (HELLO + DONE).replace(b"\n", b"\r\n"),
    "cut": HELLO,
    "failed": HELLO + event("response.failed", response={"status": "failed", "error": {"code": "server_error"}}),
    "not_json": HELLO + b"data: {oops\n\n" + DONE,
}
WHOLE = {"object": "response", "status": "completed", "usage": USED, "output": []}
ANSWERS: dict[str, Plain] = {
    "whole": (200, "application/json", json.dumps(WHOLE).encode(), {"Set-Cookie": "a=b", "x-request-id": "r1"}),
    "html": (200, "text/html", b"<html>Please log in</html>", {}),
    "quoted": (401, "application/json", json.dumps({"error": {"message": f"no such key {KEY}"}}).encode(), {}),
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with at_work(STREAMS, ANSWERS) as server:
        yield server


def ask(provider: Provider, scenario: str, folder: Path, **changes: Any) -> tuple[Any, Any, OpenGate]:
    """What the agent gets (or that its connection broke), the door's trouble, and the gate."""
    gate = OpenGate()

    async def scene() -> tuple[Any, Any]:
        async with an_agent(a_cloud_tier(provider.base_url(scenario)), gate, folder) as agent:
            body = {"model": "gpt-5", "input": [{"role": "user", "content": "?"}], "stream": True, **changes}
            try:
                said: Any = await agent.post("/v1/responses", body)
            except aiohttp.ClientError:
                said = "broken"
            return said, agent.door.trouble

    said, trouble = asyncio.run(scene())
    return said, trouble, gate


@pytest.mark.parametrize("scenario", ["ok", "crlf"])
def test_a_stream_comes_through_byte_for_byte(provider: Provider, tmp_path: Path, scenario: str) -> None:
    (status, _, data), trouble, gate = ask(provider, scenario, tmp_path)
    assert (status, data, trouble) == (200, STREAMS[scenario], None)
    [result] = gate.results
    assert (result.bill, result.usage and result.usage.cached_input_tokens) == (Bill.REPORTED, 40)
    path, headers, body = provider.requests[-1]
    assert path.endswith("/v1/responses")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept-encoding"] == "identity"
    assert (body["store"], body["max_output_tokens"]) == (False, 2_000)


def test_a_whole_answer_comes_through_without_the_providers_cookies(provider: Provider, tmp_path: Path) -> None:
    (status, headers, data), _, gate = ask(provider, "whole", tmp_path, stream=False)
    assert (status, json.loads(data)) == (200, WHOLE)
    names = {name.lower() for name in headers}
    assert "x-request-id" in names
    assert "set-cookie" not in names
    assert gate.results[0].bill is Bill.REPORTED


@pytest.mark.parametrize(("scenario", "kind"), [
    ("cut", ErrorClass.CUT), ("broken_ok", None), ("broken_cut", ErrorClass.CUT), ("hang_up", ErrorClass.CUT),
    ("not_json", ErrorClass.PROXY),
])  # fmt: skip
def test_what_breaks_off_breaks_off_for_the_agent(
    provider: Provider, tmp_path: Path, scenario: str, kind: ErrorClass | None
) -> None:
    said, trouble, gate = ask(provider, scenario, tmp_path)
    assert (said == "broken") == (kind is not None)
    assert (trouble and trouble.kind) == kind
    assert gate.results[0].bill is (Bill.UNKNOWN if kind else Bill.REPORTED)


def test_a_failure_inside_a_stream_is_passed_on_and_told(provider: Provider, tmp_path: Path) -> None:
    said, trouble, gate = ask(provider, "failed", tmp_path)
    assert said[2] == STREAMS["failed"]
    assert trouble.kind is ErrorClass.SERVER
    assert gate.results[0].bill is Bill.UNKNOWN


@pytest.mark.parametrize(("scenario", "status"), [("html", 502), ("quoted", 502)])
def test_what_is_not_for_the_agent_is_not_passed_on(
    provider: Provider, tmp_path: Path, scenario: str, status: int
) -> None:
    said, trouble, _ = ask(provider, scenario, tmp_path)
    assert said[0] == status
    assert KEY.encode() not in said[2]
    assert b"log in" not in said[2]
    assert trouble is not None


def test_only_betas_that_cost_nothing_reach_the_provider(provider: Provider, tmp_path: Path) -> None:
    gate = OpenGate()
    body = {"model": "gpt-5", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]}
    betas = "context-1m-2025-08-07, interleaved-thinking-2025-05-14,context-management-2025-06-27"

    async def scene() -> None:
        async with an_agent(a_cloud_tier(provider.base_url("html")), gate, tmp_path) as agent:
            await agent.post(
                "/v1/messages?beta=true",
                body,
                **{"anthropic-beta": betas, "anthropic-version": "2023-06-01", "x-app": "cli"},
            )

    asyncio.run(scene())
    path, headers, _ = provider.requests[-1]
    assert path.endswith("/v1/messages?beta=true")
    assert headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"
    assert headers["x-api-key"] == KEY
    assert "x-app" not in headers
    assert "authorization" not in headers
