"""The provider simulator bills what it answers: it is the measure that the ledger is held against."""

from __future__ import annotations

import collections
import http.client
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openai import APIConnectionError, APIStatusError, OpenAI
from simulator import Simulator


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(key="right") as simulator:
        yield simulator


@pytest.fixture
def provider(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def client(provider: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=provider.base_url, api_key="right", max_retries=0) as client:
        yield client


def ask(client: OpenAI, text: str = "How many?", **more: Any) -> Any:
    words: dict[str, Any] = {"model": "gpt-5", "max_completion_tokens": 2000, **more}
    return client.chat.completions.create(messages=[{"role": "user", "content": text}], **words)


def test_a_plain_answer_is_billed_by_its_usage(provider: Simulator, client: OpenAI) -> None:
    usage = ask(client).usage
    bill = provider.bill()
    assert usage.completion_tokens == 50
    assert bill["nusd"] == usage.prompt_tokens * 1_250 + 50 * 10_000
    assert (bill["calls"], bill["answered"], bill["errors"]) == (1, 1, 0)


def test_a_streamed_answer_says_its_usage_last_and_is_billed_the_same(provider: Simulator, client: OpenAI) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    usage = chunks[-1].usage
    assert text.split()[0] == "word0"
    assert provider.bill()["nusd"] == usage.prompt_tokens * 1_250 + usage.completion_tokens * 10_000


def test_a_stream_without_the_option_has_no_usage(client: OpenAI) -> None:
    assert all(chunk.usage is None for chunk in ask(client, stream=True))


def test_cached_tokens_are_cheaper_and_each_call_is_rounded_up(client: OpenAI, provider: Simulator) -> None:
    provider.behave(cached_tokens=5)
    usage = ask(client).usage
    assert usage.prompt_tokens_details.cached_tokens == 5
    assert provider.bill()["nusd"] == (usage.prompt_tokens - 5) * 1_250 + 5 * 125 + 50 * 10_000


def test_the_cap_is_kept_and_told(client: OpenAI, provider: Simulator) -> None:
    answer = ask(client, max_completion_tokens=7)
    assert answer.usage.completion_tokens == 7
    assert answer.choices[0].finish_reason == "length"
    assert provider.bill()["output_tokens"] == 7


def test_input_never_has_more_tokens_than_the_request_has_bytes(client: OpenAI, provider: Simulator) -> None:
    provider.behave(tokens_per_byte=1000)
    usage = ask(client).usage
    assert usage.prompt_tokens == len(provider.requests()[-1]["body"].encode())


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("rate", 429, "rate_limit_exceeded"), ("quota", 429, "insufficient_quota"), ("server", 500, "server_error")],
)
def test_errors_come_in_turn_and_are_not_billed(
    client: OpenAI, provider: Simulator, kind: str, status: int, code: str
) -> None:
    provider.behave(errors=[kind, None])
    with pytest.raises(APIStatusError) as caught:
        ask(client)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert provider.bill()["nusd"] == 0
    ask(client)
    assert provider.bill()["answered"] == 1


def test_a_proxy_error_is_a_page_and_may_be_billed(client: OpenAI, provider: Simulator) -> None:
    provider.behave(errors=["proxy"], bill_proxy_errors=True)
    with pytest.raises(APIStatusError) as caught:
        ask(client)
    assert caught.value.response.text.startswith("<html>")
    assert provider.bill()["nusd"] > 0


def test_only_a_rate_error_says_when_to_come_back(client: OpenAI, provider: Simulator) -> None:
    provider.behave(errors=["rate", "rate_silent"])
    with pytest.raises(APIStatusError) as told:
        ask(client)
    with pytest.raises(APIStatusError) as silent:
        ask(client)
    assert told.value.response.headers["retry-after"] == "0.05"
    assert "retry-after" not in silent.value.response.headers


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cut_answer_is_billed_all_the_same(client: OpenAI, provider: Simulator, streamed: bool) -> None:
    provider.behave(cut_after_billing=1)
    with pytest.raises((APIConnectionError, httpx2.RemoteProtocolError)):
        collections.deque(ask(client, stream=streamed), maxlen=0)
    assert provider.bill()["nusd"] > 0


def test_a_wrong_key_is_refused_and_counted(provider: Simulator) -> None:
    with OpenAI(base_url=provider.base_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(APIStatusError):
            ask(client)
    assert (provider.bill()["wrong_keys"], provider.bill()["nusd"]) == (1, 0)


def test_an_answer_meets_the_schema_it_was_asked_for(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "why": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert set(json.loads(ask(client, response_format=wanted).choices[0].message.content)) == {"n", "why"}


def test_one_model_can_behave_unlike_the_others(client: OpenAI, provider: Simulator) -> None:
    provider.behave(model="local", answer="from the house")
    assert ask(client, model="local").choices[0].message.content == "from the house"
    assert ask(client).choices[0].message.content != "from the house"
    assert provider.bill()["models"]["local"]["nusd"] == 0


def test_a_redirect_is_sent_as_told(provider: Simulator) -> None:
    provider.behave(redirect_to="http://127.0.0.1:9/elsewhere")
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=5)
    connection.request("POST", "/v1/chat/completions", "{}", {"Authorization": "Bearer right"})
    response = connection.getresponse()
    assert (response.status, response.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")
    connection.close()


def test_unknown_wishes_are_refused(provider: Simulator) -> None:
    with pytest.raises(ValueError, match="no such behaviour"):
        provider.behave(latancy_ms=5)


def test_what_came_can_be_searched_with_its_escapes_undone(client: OpenAI, provider: Simulator) -> None:
    ask(client, "工房 \u00e9")
    assert "工房 é" in provider.received()
