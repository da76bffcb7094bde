"""The messages backend, which speaks Anthropic's API, against a server on 127.0.0.1 that misbehaves."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import Crew, a_tier
from misbehaving import Notes, Plain, Provider, at_work

from koubou.backends.messages import MessagesBackend
from koubou.backends.port import Answer, CannotServe
from koubou.model.call import Bill, ErrorClass, Usage

KEY = "sk-ant-very-secret"
BODY = {
    "model": "claude-small",
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "Hello"}],
    "service_tier": "standard_only",
    "stream": True,
}


def event(kind: str, **parts: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n".encode()


def start(**usage: int) -> bytes:
    used = {"input_tokens": 14, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-small-2", "content": []}
    return event("message_start", message={**message, "usage": used | usage})


def text(words: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})


def delta(reason: str | None = "end_turn", **usage: object) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 7, **usage})


def fault(kind: str) -> bytes:
    return event("error", error={"type": kind, "message": "it quotes a prompt"})


PING = event("ping")
STOP = event("message_stop")
HELLO = (
    start() + PING + event("content_block_start", index=0, content_block={"type": "text", "text": ""}) + text("Hello ")
)
THINKS = event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"})
STREAMS: dict[str, bytes] = {
    "ok": HELLO + PING + text("🙂") + event("content_block_stop", index=0) + delta() + STOP,
    "thinks": start() + THINKS + text("Hello 🙂") + delta() + STOP,
    "capped": HELLO + delta("max_tokens") + STOP,
    "full": HELLO + delta("model_context_window_exceeded") + STOP,
    "sequence": HELLO + delta("stop_sequence") + STOP,
    "paused": HELLO + delta("pause_turn") + STOP,
    "strange": HELLO + delta("as the prompt says: 4111") + STOP,
    "grows": HELLO + delta(None, output_tokens=3) + delta(output_tokens=9) + STOP,
    "more_input": HELLO + delta(input_tokens=40) + STOP,
    "odd_usage": HELLO + delta(output_tokens="7") + STOP,
    "no_input": start(input_tokens=0, cache_read_input_tokens=0, cache_creation_input_tokens=0)
    + text("x")
    + delta()
    + STOP,
    "wrote_nothing": HELLO + delta(output_tokens=0) + STOP,
    "fault_behind": HELLO + delta() + STOP + fault("api_error"),
    "empty": b"",
    "cut": HELLO,
    "cut_politely": HELLO + delta(),
    "cut_without_reason": HELLO + delta(None) + STOP,
    "refused": start() + delta("refusal", output_tokens=2) + STOP,
    "not_json": HELLO + b"event: message_delta\ndata: {oops\n\n",
    "no_object": HELLO + b'event: message_delta\ndata: "oops"\n\n',
    "overloaded": HELLO + fault("overloaded_error"),
    "fault_inside": HELLO + fault("api_error"),
    "fault_without_words": HELLO + b"event: error\ndata: oops\n\n",
    "key_as_model": start().replace(b"claude-small-2", b"sesame.open.now") + text("x") + delta() + STOP,
}
WHOLE = {
    "type": "message",
    "model": "claude-small-2",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 20, "output_tokens": 7},
}
JSON = "application/json"


def refusal(status: int, kind: str, message: str = "it quotes a prompt", **headers: str) -> Plain:
    said = {"type": "error", "error": {"type": kind, "message": message}}
    return status, JSON, json.dumps(said).encode(), headers


ANSWERS: dict[str, Plain] = {
    "whole": (200, JSON, json.dumps(WHOLE).encode(), {}),
    "whole_without_usage": (200, JSON, json.dumps({**WHOLE, "usage": None}).encode(), {}),
    "whole_list": (200, JSON, b"[]", {}),
    "html": (200, "text/html", b"<html>Please log in</html>", {}),
    "rate": refusal(429, "rate_limit_error", **{"retry-after": "2"}),
    "auth": refusal(401, "authentication_error", f"bad key {KEY}"),
    "permission": refusal(403, "permission_error"),
    "spent": refusal(400, "invalid_request_error", "You have reached your specified API usage limits."),
    "missing": refusal(404, "not_found_error"),
    "long": refusal(413, "request_too_large"),
    "bad": refusal(400, "invalid_request_error"),
    "server": refusal(500, "api_error"),
    "busy": refusal(529, "overloaded_error"),
    "gateway": (502, "text/html", b"<html>Bad gateway</html>", {}),
    "key_as_code": refusal(401, "sesame.open.now"),
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with at_work(STREAMS, ANSWERS) as server:
        yield server


def keys_in(provider: Provider) -> list[str]:
    """The key of each request, in whichever header the library puts it."""
    heads = [headers for _, headers, _ in provider.requests]
    return [head.get("x-api-key") or head["authorization"].removeprefix("Bearer ") for head in heads]


def ask(base_url: str, *keys: str, **tier: Any) -> tuple[Answer, Notes]:
    async def call() -> Answer:
        backend = MessagesBackend(a_tier(executor="messages", base_url=base_url, **tier), keys or (KEY,))
        try:
            return await asyncio.wait_for(backend.answer(BODY, notes), 20)
        finally:
            await backend.close()

    notes = Notes()
    return asyncio.run(call()), notes


@pytest.mark.parametrize("scenario", ["ok", "thinks"])
def test_a_streamed_answer_comes_with_its_usage_cached_input_counted(provider: Provider, scenario: str) -> None:
    answer, notes = ask(provider.base_url(scenario))
    usage = Usage(
        input_tokens=20, output_tokens=7, cached_input_tokens=4, cache_write_tokens=2, cache_write_1h_tokens=2
    )
    assert answer == Answer(bill=Bill.REPORTED, usage=usage, finish_reason="stop", model="claude-small-2")
    assert (notes.text, notes.was_sent) == ("Hello 🙂", True)


@pytest.mark.parametrize("base", ["/v1", "/v1/", ""])
def test_the_request_goes_out_as_the_master_made_it_however_its_address_is_written(
    provider: Provider, base: str
) -> None:
    ask(provider.base_url("ok").removesuffix("/v1") + base)
    [(path, headers, body)] = provider.requests
    assert path == "/ok/v1/messages"
    assert body == BODY
    assert keys_in(provider) == [KEY]
    assert headers["anthropic-version"]
    assert "anthropic-beta" not in headers
    assert "traceparent" not in headers


def test_a_server_may_answer_whole_instead_of_streaming(provider: Provider) -> None:
    answer, notes = ask(provider.base_url("whole"))
    assert (answer.bill, answer.finish_reason, answer.error, notes.text) == (Bill.REPORTED, "stop", None, "Hello")
    assert answer.usage == Usage(input_tokens=20, output_tokens=7)


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [("capped", "length"), ("full", "length"), ("sequence", "stop"), ("paused", "pause_turn"), ("strange", "other")],
)
def test_why_an_answer_ended_is_told_in_the_words_of_chat(provider: Provider, scenario: str, reason: str) -> None:
    answer, _ = ask(provider.base_url(scenario))
    assert (answer.error, answer.bill, answer.finish_reason) == (None, Bill.REPORTED, reason)


@pytest.mark.parametrize(
    ("scenario", "read", "written"), [("grows", 20, 9), ("more_input", 46, 7)], ids=["grows", "more input"]
)
def test_what_is_said_last_of_the_usage_counts(provider: Provider, scenario: str, read: int, written: int) -> None:
    usage = ask(provider.base_url(scenario))[0].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (read, written)


@pytest.mark.parametrize(
    "scenario", ["odd_usage", "no_input", "wrote_nothing", "fault_behind", "whole_without_usage", "broken_cut_politely"]
)
def test_usage_that_cannot_be_is_not_believed(provider: Provider, scenario: str) -> None:
    assert ask(provider.base_url(scenario))[0].bill is Bill.UNKNOWN


def test_an_answer_that_is_whole_stays_so_when_the_connection_breaks_behind_it(provider: Provider) -> None:
    answer, notes = ask(provider.base_url("broken_ok"))
    assert (answer.error, answer.bill, notes.text) == (None, Bill.REPORTED, "Hello 🙂")


@pytest.mark.parametrize(
    ("scenario", "kind", "bill"),
    [
        ("empty", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut_politely", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut_without_reason", ErrorClass.CUT, Bill.UNKNOWN),
        ("broken_cut", ErrorClass.CUT, Bill.UNKNOWN),
        ("hang_up", ErrorClass.CUT, Bill.UNKNOWN),
        ("no_object", ErrorClass.CUT, Bill.UNKNOWN),
        ("not_json", ErrorClass.PROXY, Bill.UNKNOWN),
        ("html", ErrorClass.PROXY, Bill.UNKNOWN),
        ("whole_list", ErrorClass.PROXY, Bill.UNKNOWN),
        ("gateway", ErrorClass.PROXY, Bill.UNKNOWN),
        ("refused", ErrorClass.POLICY, Bill.REPORTED),
        ("overloaded", ErrorClass.SERVER, Bill.UNKNOWN),
        ("fault_inside", ErrorClass.SERVER, Bill.UNKNOWN),
        ("fault_without_words", ErrorClass.PROXY, Bill.UNKNOWN),
        ("rate", ErrorClass.RATE, Bill.NONE),
        ("auth", ErrorClass.AUTH, Bill.NONE),
        ("permission", ErrorClass.AUTH, Bill.NONE),
        ("spent", ErrorClass.QUOTA, Bill.NONE),
        ("missing", ErrorClass.MODEL, Bill.NONE),
        ("long", ErrorClass.CONTEXT, Bill.NONE),
        ("bad", ErrorClass.BAD_REQUEST, Bill.NONE),
        ("server", ErrorClass.SERVER, Bill.NONE),
        ("busy", ErrorClass.SERVER, Bill.NONE),
    ],
)
def test_what_goes_wrong_has_its_class_and_its_bill_and_is_tried_once(
    provider: Provider, scenario: str, kind: ErrorClass, bill: Bill
) -> None:
    answer, _ = ask(provider.base_url(scenario))
    assert answer.error is not None
    assert (answer.error.kind, answer.bill) == (kind, bill)
    assert "prompt" not in repr(answer)
    assert KEY not in repr(answer)
    assert len(provider.requests) == 1


def test_a_prompt_goes_to_no_other_host(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.elsewhere = provider.base_url("ok")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        answer, _ = ask(provider.base_url("redirect"))
        assert answer.error is not None
        assert (answer.error.kind, answer.error.status) == (ErrorClass.PROXY, 307)
        assert [path for path, _, _ in provider.requests] == ["/redirect/v1/messages"]
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_without_a_connection_nothing_is_sent_and_nothing_billed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer, notes = ask(f"http://127.0.0.1:{port}")
    assert answer.error is not None
    assert (answer.error.kind, answer.error.code) == (ErrorClass.UNREACHABLE, "refused")
    assert (answer.bill, notes.was_sent) == (Bill.NONE, False)


@pytest.mark.parametrize("scenario", ["key_as_code", "key_as_model"])
def test_a_server_that_says_our_key_again_is_not_quoted(provider: Provider, scenario: str) -> None:
    assert "sesame" not in repr(ask(provider.base_url(scenario), "sesame.open.now")[0])


def test_the_key_is_the_tiers_own_whatever_the_environment_says(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.setenv(name, "sk-ant-of-the-environment")
    ask(provider.base_url("ok"))
    [(_, headers, _)] = provider.requests
    assert keys_in(provider) == [KEY]
    assert "of-the-environment" not in repr(headers)


def test_a_key_that_is_none_is_told_without_being_shown() -> None:
    with pytest.raises(CannotServe) as told:
        ask("http://127.0.0.1:9", "sk-1\n")
    assert "sk-1" not in str(told.value)


def test_a_key_that_is_refused_lets_the_next_one_serve_what_follows(provider: Provider) -> None:
    async def calls() -> None:
        backend = MessagesBackend(a_tier(executor="messages", base_url=provider.base_url("auth")), ("sk-1", "sk-2"))
        for _ in range(2):
            await backend.answer(BODY, Notes())
        await backend.close()

    asyncio.run(calls())
    assert keys_in(provider) == ["sk-1", "sk-2"]


def test_a_worker_answers_through_anthropics_api_and_says_nothing_of_its_own(
    provider: Provider, tmp_path: Path
) -> None:
    with Crew(tmp_path, environment={"ANTHROPIC_LOG": "debug", "HTTP_PROXY": "http://127.0.0.1:9"}) as crew:
        crew.welcome(a_tier(executor="messages", base_url=provider.base_url("ok")), key=KEY)
        record = crew.finish("a", BODY)
        assert (record.answer, record.result.bill) == ("Hello 🙂", Bill.REPORTED)
        crew.retire()
        assert crew.ends() == 0
        assert crew.process.stderr is not None
        assert crew.process.stderr.read() == ""
