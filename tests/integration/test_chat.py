"""The chat backend against a server on 127.0.0.1 that misbehaves in every way that was seen."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import Crew, a_body, a_tier
from misbehaving import Notes, Plain, Provider, at_work

from koubou.backends.chat import ChatBackend
from koubou.backends.port import Answer, CannotServe
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.wire.messages import Finished, Started

KEY = "sk-very-secret"
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def event(value: object) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


def piece(text: str | None = None, finish: str | None = None, **delta: object) -> bytes:
    part = delta if text is None else {"content": text, **delta}
    return event({"model": "small-2", "choices": [{"index": 0, "delta": part, "finish_reason": finish}]})


HELLO = piece("Hel") + piece("lo 🙂")
STOP = piece(finish="stop")
USED = event({"model": "small-2", "choices": [], "usage": USAGE})
DONE = event(b"[DONE]")
BEGUN = event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 1}})
STREAMS: dict[str, bytes] = {
    "ok": HELLO + STOP + USED + DONE,
    "capped": HELLO + piece(finish="length") + USED + DONE,
    "comments": b": ping\n\n" + HELLO + b": ping\n\n" + STOP + USED + DONE,
    "reasons": piece(None, reasoning_content="hm") + HELLO + STOP + USED + DONE,
    "no_usage": HELLO + STOP + DONE,
    "odd_usage": HELLO + STOP + event({"choices": [], "usage": {"prompt_tokens": "20"}}) + DONE,
    "cut": HELLO,
    "cut_politely": HELLO + DONE,
    "cut_with_usage": HELLO + USED + DONE,
    "cut_while_counting": HELLO + BEGUN + DONE,
    "fault_while_counting": HELLO + BEGUN + event({"error": {"message": "x", "type": "server_error"}}),
    "counted_before": HELLO + BEGUN + STOP + DONE,
    "odd_after_good": HELLO + STOP + USED + event({"choices": [], "usage": {"prompt_tokens": "20"}}) + DONE,
    "used_nothing": HELLO + STOP + event({"usage": {"prompt_tokens": 0, "completion_tokens": 7}}) + DONE,
    "wrote_nothing": HELLO + STOP + event({"usage": {"prompt_tokens": 20, "completion_tokens": 0}}) + DONE,
    "shrinks": HELLO + STOP + USED + BEGUN + DONE,
    "grows": HELLO + STOP + BEGUN + USED + DONE,
    "key_as_model": event({"model": "sesame.open.now", "choices": []})
    + HELLO.replace(b"small-2", b"sesame.open.now")
    + piece(finish="stop").replace(b"small-2", b"sesame.open.now")
    + USED.replace(b"small-2", b"sesame.open.now")
    + DONE,
    "empty": b"",
    "filtered": HELLO + piece(finish="content_filter") + USED + DONE,
    "refused": piece(None, refusal="I will not") + STOP + USED + DONE,
    "not_json": HELLO + event(b"{oops"),
    "fault_inside": HELLO + event({"error": {"message": "quoting a prompt", "type": "server_error", "code": "oom"}}),
    "fault_behind": HELLO + STOP + event({"error": {"message": "late", "type": "server_error"}}),
    "halves": piece("\ud83d") + piece("\ude42 and a lone \ud83d") + STOP + USED + DONE,
}
WHOLE = {"model": "small-2", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": USAGE}
ANSWERS: dict[str, Plain] = {
    "whole": (200, "application/json", json.dumps(WHOLE).encode(), {}),
    "whole_error": (200, "application/json", b'{"error": {"message": "x", "type": "server_error"}}', {}),
    "html": (200, "text/html; charset=utf-8", b"<html>Please log in</html>", {}),
    "rate": (
        429,
        "application/json",
        b'{"error": {"message": "slow: my prompt", "type": "tokens", "code": "rate_limit_exceeded"}}',
        {"Retry-After": "2"},
    ),
    "quota": (429, "application/json", b'{"error": {"message": "x", "code": "insufficient_quota"}}', {}),
    "auth": (
        401,
        "application/json",
        b'{"error": {"message": "bad key sk-very-secret", "code": "invalid_api_key"}}',
        {},
    ),
    "gateway_json": (502, "application/json", b'{"error": {"message": "x", "type": "server_error"}}', {}),
    "gateway_text": (504, "application/json", b'{"error": "upstream request timeout"}', {}),
    "fault_text": (500, "application/json", b'{"error": "upstream request timeout"}', {}),
    "key_as_code": (401, "application/json", b'{"error": {"message": "x", "code": "sesame.open.now"}}', {}),
    "server": (500, "application/json", b'{"error": {"message": "x", "type": "server_error"}}', {}),
    "gateway": (502, "text/html", b"<html>Bad gateway</html>", {}),
    "stream_options": (
        400,
        "application/json",
        b'{"error": {"message": "unknown", "type": "invalid_request_error", "param": "stream_options"}}',
        {},
    ),
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with at_work(STREAMS, ANSWERS) as server:
        yield server


def ask(base_url: str, key: str | None = KEY, **tier: Any) -> tuple[Answer, Notes]:
    async def call() -> Answer:
        backend = ChatBackend(a_tier(executor="chat", base_url=base_url, **tier), (key,) if key else ())
        try:
            return await asyncio.wait_for(backend.answer(a_body(), notes), 20)
        finally:
            await backend.close()

    notes = Notes()
    return asyncio.run(call()), notes


@pytest.mark.parametrize("scenario", ["ok", "comments", "reasons"])
def test_a_streamed_answer_comes_with_its_usage(provider: Provider, scenario: str) -> None:
    answer, notes = ask(provider.base_url(scenario))
    usage = Usage(input_tokens=20, output_tokens=7, cached_input_tokens=4, cache_write_tokens=2, reasoning_tokens=3)
    assert answer == Answer(bill=Bill.REPORTED, usage=usage, finish_reason="stop", model="small-2")
    assert (notes.text, notes.was_sent) == ("Hello 🙂", True)


def test_the_request_goes_out_as_the_master_made_it(provider: Provider) -> None:
    ask(provider.base_url("ok"))
    [(path, headers, body)] = provider.requests
    assert path == "/ok/v1/chat/completions"
    assert body == a_body()
    assert headers["authorization"] == f"Bearer {KEY}"
    assert not [name for name in headers if name.startswith("openai-")]


def test_a_server_without_keys_gets_none_of_ours(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    ask(provider.base_url("ok"), key=None)
    [(_, headers, _)] = provider.requests
    assert "sk-" not in repr(headers)


def test_a_server_may_answer_whole_instead_of_streaming(provider: Provider) -> None:
    answer, notes = ask(provider.base_url("whole"))
    assert (answer.bill, answer.finish_reason, answer.error, notes.text) == (Bill.REPORTED, "stop", None, "Hello")


@pytest.mark.parametrize(
    ("scenario", "bill", "text"),
    [
        ("capped", Bill.REPORTED, "Hello 🙂"),
        ("no_usage", Bill.UNKNOWN, "Hello 🙂"),
        ("odd_usage", Bill.UNKNOWN, "Hello 🙂"),
        ("fault_behind", Bill.UNKNOWN, "Hello 🙂"),
        ("broken_no_usage", Bill.UNKNOWN, "Hello 🙂"),
        ("counted_before", Bill.UNKNOWN, "Hello 🙂"),
        ("odd_after_good", Bill.UNKNOWN, "Hello 🙂"),
        ("used_nothing", Bill.UNKNOWN, "Hello 🙂"),
        ("wrote_nothing", Bill.UNKNOWN, "Hello 🙂"),
    ],
)
def test_a_finished_answer_counts_even_if_its_usage_is_missing(
    provider: Provider, scenario: str, bill: Bill, text: str
) -> None:
    answer, notes = ask(provider.base_url(scenario))
    assert (answer.error, answer.bill, notes.text) == (None, bill, text)


@pytest.mark.parametrize(
    ("scenario", "kind", "bill"),
    [
        ("cut", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut_politely", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut_with_usage", ErrorClass.CUT, Bill.UNKNOWN),
        ("cut_while_counting", ErrorClass.CUT, Bill.UNKNOWN),
        ("fault_while_counting", ErrorClass.SERVER, Bill.UNKNOWN),
        ("gateway_json", ErrorClass.PROXY, Bill.UNKNOWN),
        ("gateway_text", ErrorClass.PROXY, Bill.UNKNOWN),
        ("fault_text", ErrorClass.SERVER, Bill.UNKNOWN),
        ("empty", ErrorClass.CUT, Bill.UNKNOWN),
        ("broken_cut", ErrorClass.CUT, Bill.UNKNOWN),
        ("hang_up", ErrorClass.CUT, Bill.UNKNOWN),
        ("not_json", ErrorClass.PROXY, Bill.UNKNOWN),
        ("html", ErrorClass.PROXY, Bill.UNKNOWN),
        ("gateway", ErrorClass.PROXY, Bill.UNKNOWN),
        ("fault_inside", ErrorClass.SERVER, Bill.UNKNOWN),
        ("whole_error", ErrorClass.SERVER, Bill.UNKNOWN),
        ("filtered", ErrorClass.POLICY, Bill.REPORTED),
        ("refused", ErrorClass.POLICY, Bill.REPORTED),
        ("rate", ErrorClass.RATE, Bill.NONE),
        ("quota", ErrorClass.QUOTA, Bill.NONE),
        ("auth", ErrorClass.AUTH, Bill.NONE),
        ("server", ErrorClass.SERVER, Bill.NONE),
        ("stream_options", ErrorClass.BAD_REQUEST, Bill.NONE),
    ],
)
def test_what_goes_wrong_has_its_class_and_its_bill_and_is_tried_once(
    provider: Provider, scenario: str, kind: ErrorClass, bill: Bill
) -> None:
    answer, _ = ask(provider.base_url(scenario))
    assert answer.error is not None
    assert (answer.error.kind, answer.bill) == (kind, bill)
    assert "prompt" not in answer.error.message
    assert KEY not in repr(answer)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("scenario", ["shrinks", "grows"])
def test_of_two_words_about_what_was_used_the_dearer_counts(provider: Provider, scenario: str) -> None:
    answer, _ = ask(provider.base_url(scenario))
    assert answer.bill is Bill.REPORTED
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (20, 7)


@pytest.mark.parametrize("scenario", ["key_as_code", "key_as_model"])
def test_a_server_that_says_our_key_again_is_not_quoted(provider: Provider, scenario: str) -> None:
    answer, _ = ask(provider.base_url(scenario), key="sesame.open.now")
    assert "sesame" not in repr(answer)


def test_the_wait_that_a_provider_asks_for_comes_along(provider: Provider) -> None:
    answer, _ = ask(provider.base_url("rate"))
    assert answer.error is not None
    assert (answer.error.retry_after, answer.error.code, answer.error.status) == (2000, "rate_limit_exceeded", 429)


def test_where_errors_are_billed_a_fault_may_have_cost(provider: Provider) -> None:
    answer, _ = ask(provider.base_url("server"), errors_are_billed=True)
    assert answer.bill is Bill.UNKNOWN


def test_a_prompt_does_not_follow_a_redirect_to_another_host(provider: Provider) -> None:
    provider.elsewhere = provider.base_url("ok")
    answer, _ = ask(provider.base_url("redirect"))
    assert answer.error is not None
    assert (answer.error.kind, answer.error.status) == (ErrorClass.PROXY, 307)
    assert [path for path, _, _ in provider.requests] == ["/redirect/v1/chat/completions"]


def test_a_prompt_does_not_go_to_a_proxy_of_the_environment(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        answer, _ = ask(provider.base_url("ok"))
        assert answer.error is None
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_without_a_connection_nothing_is_sent_and_nothing_billed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for url, code in ((f"http://127.0.0.1:{port}/v1", "refused"), ("http://no-such-host.invalid/v1", "dns")):
        answer, notes = ask(url)
        assert answer.error is not None
        assert answer.error.code == code
        assert (answer.error.kind, answer.bill, notes.was_sent) == (ErrorClass.UNREACHABLE, Bill.NONE, False)


def test_a_server_that_speaks_no_tls_was_sent_nothing(provider: Provider) -> None:
    answer, notes = ask(provider.base_url("ok").replace("http:", "https:"))
    assert answer.error is not None
    assert (answer.error.kind, answer.bill, notes.was_sent) == (ErrorClass.UNREACHABLE, Bill.NONE, False)
    assert answer.error.code == "tls"


@pytest.mark.parametrize("key", ["sk-1\n", "sk 1", "schlüssel"])
def test_a_key_that_is_none_is_told_without_being_shown(key: str) -> None:
    with pytest.raises(CannotServe) as told:
        ask("http://127.0.0.1:9/v1", key=key)
    assert key not in str(told.value)


def test_connections_are_kept_between_calls(provider: Provider) -> None:
    async def twice() -> None:
        backend = ChatBackend(a_tier(executor="chat", base_url=provider.base_url("ok")), (KEY,))
        for _ in range(2):
            assert (await backend.answer(a_body(), Notes())).error is None
        pool = backend._connections.http._transport._pool  # type: ignore[attr-defined]
        assert len(pool.connections) == 1
        await backend.close()

    asyncio.run(twice())


@pytest.mark.parametrize("refusal", ["auth", "quota"])
def test_a_key_that_is_refused_lets_the_next_one_serve_what_follows(provider: Provider, refusal: str) -> None:
    async def calls() -> list[Answer]:
        backend = ChatBackend(a_tier(executor="chat", base_url=provider.base_url(refusal)), ("sk-1", "sk-2", "sk-3"))
        try:
            return [await backend.answer(a_body(), Notes()) for _ in range(4)]
        finally:
            await backend.close()

    answers = asyncio.run(calls())
    used = [headers["authorization"] for _, headers, _ in provider.requests]
    assert used == ["Bearer sk-1", "Bearer sk-2", "Bearer sk-3", "Bearer sk-1"], "all rest: as with one key"
    assert {(answer.error.kind if answer.error else None, answer.bill) for answer in answers} == {
        (ErrorClass(refusal), Bill.NONE)
    }
    assert not any("sk-" in repr(answer) for answer in answers)


def test_a_key_that_answers_goes_on_serving(provider: Provider) -> None:
    async def calls() -> None:
        backend = ChatBackend(a_tier(executor="chat", base_url=provider.base_url("rate")), ("sk-1", "sk-2"))
        for _ in range(3):
            await backend.answer(a_body(), Notes())
        await backend.close()

    asyncio.run(calls())
    assert {headers["authorization"] for _, headers, _ in provider.requests} == {"Bearer sk-1"}, "haste is no refusal"


def test_a_worker_answers_through_a_chat_server(provider: Provider, tmp_path: Path) -> None:
    environment = {"OPENAI_LOG": "debug", "HTTP_PROXY": "http://127.0.0.1:9", "OPENAI_ORG_ID": "org-x"}
    with Crew(tmp_path, environment=environment) as crew:
        crew.welcome(a_tier(executor="chat", base_url=provider.base_url("ok")), key=KEY)
        record = crew.finish("a", a_body("TOPSECRET"))
        assert (record.answer, record.result.bill) == ("Hello 🙂", Bill.REPORTED)
        assert crew.finish("b").result.answered
        crew.retire()
        assert crew.ends() == 0
        assert crew.process.stderr is not None
        assert crew.process.stderr.read() == ""
    assert "openai-organization" not in provider.requests[0][1]


def test_calls_of_one_worker_are_with_the_provider_at_the_same_time(provider: Provider, tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(executor="chat", base_url=provider.base_url("together"), concurrency=3))
        for task in "abc":
            crew.assign(task)
        assert all(crew.expect(Finished).result.answered for _ in "abc")


def test_halves_of_a_character_are_joined_or_replaced(provider: Provider, tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(executor="chat", base_url=provider.base_url("halves")))
        assert crew.finish("a").answer == "🙂 and a lone \ufffd"


def test_a_call_that_is_stopped_after_it_went_out_may_be_billed(provider: Provider, tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(executor="chat", base_url=provider.base_url("mute")))
        timed_out = crew.finish("a", timeout=1_500).result
        assert timed_out.error is not None
        assert (timed_out.error.kind, timed_out.bill) == (ErrorClass.TIMEOUT, Bill.UNKNOWN)
        provider.asked.clear()
        crew.assign("b")
        crew.expect(Started)
        assert provider.asked.wait(20)
        crew.cancel("b")
        cancelled = crew.expect(Finished).result
        assert cancelled.error is not None
        assert (cancelled.error.kind, cancelled.bill) == (ErrorClass.CANCELLED, Bill.UNKNOWN)


def test_a_call_that_is_stopped_before_a_connection_stands_costs_nothing(tmp_path: Path) -> None:
    with socket.socket() as full:  # listens with a queue of one that is taken: a further connection waits
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        taken = [socket.socket() for _ in range(3)]
        for one in taken:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with Crew(tmp_path) as crew:
            crew.welcome(a_tier(executor="chat", base_url=f"http://127.0.0.1:{full.getsockname()[1]}/v1"))
            result = crew.finish("a", timeout=300).result
            assert result.error is not None
            assert (result.error.kind, result.bill) == (ErrorClass.TIMEOUT, Bill.NONE)
        for one in taken:
            one.close()
