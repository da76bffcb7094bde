"""The official libraries understand the simulator in each API: plain and streamed, tools, failures and refusals."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from simulator import Simulator

MODEL = "gpt-5"
CLAUDE = "claude-small"
PRICES = {
    MODEL: {"input": 1.25, "output": 10, "cached_input": 0.125},
    CLAUDE: {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75},
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
EXEC = {"type": "function", "name": "exec_command", "parameters": {"type": "object"}, "strict": False}
BASH = {"name": "Bash", "input_schema": {"type": "object"}}


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(PRICES, key="right") as simulator:
        yield simulator


@pytest.fixture
def provider(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture
def client(provider: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=provider.base_url, api_key="right", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(provider: Simulator) -> Iterator[anthropic.Anthropic]:
    base_url = provider.base_url.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base_url, api_key="right", max_retries=0) as client:
        yield client


def respond(client: openai.OpenAI, **more: Any) -> Any:
    words: dict[str, Any] = {"model": MODEL, "input": "How many?", **more}
    return client.responses.create(**words)


def streamed(client: openai.OpenAI, **more: Any) -> tuple[list[str], Any]:
    """The kinds of the events, and the response in the end."""
    words: dict[str, Any] = {"model": MODEL, "input": "How many?", **more}
    with client.responses.stream(**words) as stream:
        kinds = [event.type for event in stream]
        return kinds, stream.get_final_response()


def say(claude: anthropic.Anthropic, **more: Any) -> Any:
    words: dict[str, Any] = {"model": CLAUDE, "max_tokens": 2000, "messages": [asked("How many?")], **more}
    return claude.messages.create(**words)


def asked(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


# Responses


def test_a_response_is_billed_by_its_usage(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(cached_tokens=3, reasoning_tokens=10)
    response = respond(client, instructions="Be brief.")
    usage = response.usage
    assert (response.status, response.output_text.split()[0]) == ("completed", "word0")
    assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens) == (50, 10)
    assert usage.input_tokens_details.cached_tokens == 3
    assert provider.bill()["nusd"] == (usage.input_tokens - 3) * 1_250 + 3 * 125 + 50 * 10_000


def test_a_streamed_response_has_every_event_of_a_message(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(answer="a b")
    kinds, response = streamed(client)
    assert list(dict.fromkeys(kinds)) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert response.output_text == "a b"
    assert provider.bill()["nusd"] == response.usage.input_tokens * 1_250 + 50 * 10_000


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_that_meets_its_cap_is_incomplete(client: openai.OpenAI, provider: Simulator, stream: bool) -> None:
    response = respond(client, max_output_tokens=20, stream=stream)
    if stream:
        last = list(response)[-1]
        assert last.type == "response.incomplete"
        response = last.response
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert response.usage.output_tokens == provider.bill()["output_tokens"] == 20


def test_a_response_meets_the_schema_it_was_asked_for(client: openai.OpenAI) -> None:
    form = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    assert json.loads(respond(client, text={"format": form}).output_text) == {"n": 1}


CALL = {"type": "function_call", "call_id": "c", "name": "exec_command", "arguments": json.dumps({"cmd": "x" * 500})}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "x" * 500}
DESCRIBED = {**EXEC, "description": "x" * 500}


@pytest.mark.parametrize(
    "more",
    [
        {"instructions": "x" * 500},
        {"tools": [DESCRIBED]},
        {"input": [asked("How many?"), {"type": "additional_tools", "role": "developer", "tools": [DESCRIBED]}]},
        {"input": [asked("How many?"), CALL]},
        {"input": [asked("How many?"), RESULT]},
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {**SCHEMA, "description": "x" * 500}}}},
    ],
)
def test_everything_in_the_request_of_a_response_counts(
    client: openai.OpenAI, provider: Simulator, more: dict[str, Any]
) -> None:
    provider.behave(tokens_per_byte=1)
    bare = respond(client).usage.input_tokens
    full = respond(client, **more).usage.input_tokens
    assert bare + 500 <= full <= len(provider.requests()[-1]["body"].encode())


def test_a_response_calls_the_tool_that_was_offered(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(script=[{"tool": "make all"}, {"say": "Made."}])
    kinds, first = streamed(client, tools=[EXEC])
    [call] = first.output
    assert "response.function_call_arguments.delta" in kinds
    assert (call.name, json.loads(call.arguments)) == ("exec_command", {"cmd": "make all"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "done"}
    second = respond(client, tools=[EXEC], input=[asked("How many?"), call.model_dump(), result])
    assert second.output_text == "Made."
    assert provider.bill()["answered"] == 2


@pytest.mark.parametrize(
    ("tool", "name", "said"),
    [
        ({"type": "custom", "name": "apply_patch"}, "apply_patch", "*** Begin"),
        ({"type": "custom", "name": "exec"}, "exec", 'text(await tools.apply_patch("*** Begin"));\n'),
    ],
)
def test_a_patch_is_a_call_of_no_form(
    client: openai.OpenAI, provider: Simulator, tool: Mapping[str, str], name: str, said: str
) -> None:
    provider.behave(script=[{"patch": "*** Begin"}])
    kinds, response = streamed(client, tools=[tool])
    [call] = response.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", name, said)
    assert "response.custom_tool_call_input.done" in kinds


def test_without_apply_patch_a_patch_goes_through_the_shell(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(script=[{"patch": "*** Begin"}])
    [call] = respond(client, tools=[EXEC]).output
    assert json.loads(call.arguments)["cmd"].startswith("apply_patch <<")


def test_a_capped_response_gets_to_no_step_of_the_script(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(script=[{"tool": "make all"}])
    response = respond(client, tools=[EXEC], max_output_tokens=20)
    assert (response.status, response.output[0].type) == ("incomplete", "message")


def test_a_step_that_no_tool_can_do_is_refused(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(script=[{"tool": "make all"}])
    with pytest.raises(openai.BadRequestError, match="the request offers"):
        respond(client)
    assert (provider.bill()["nusd"], provider.bill()["kinds"]) == (0, {"invalid": 1})


def test_a_response_can_fail_in_its_middle(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(failure="server_error")
    response = respond(client)
    assert (response.status, response.error.code) == ("failed", "server_error")
    with client.responses.create(model=MODEL, input="How many?", stream=True) as events:
        said = list(events)
    assert (said[-1].type, said[-1].response.error.code) == ("response.failed", "server_error")
    assert [event.sequence_number for event in said] == sorted({event.sequence_number for event in said})
    assert provider.bill()["nusd"] > 0


def test_a_response_may_say_nothing_of_its_usage(client: openai.OpenAI, provider: Simulator) -> None:
    provider.behave(missing_usage=1)
    assert streamed(client)[1].usage is None
    assert respond(client).usage is None
    assert provider.bill()["nusd"] > 0


@pytest.mark.parametrize("politely", [False, True])
def test_a_response_that_is_cut_has_no_end(client: openai.OpenAI, provider: Simulator, politely: bool) -> None:
    provider.behave(cut_after_billing=1, cut_politely=politely)
    kinds = []
    try:
        with client.responses.create(model=MODEL, input="How many?", stream=True) as events:
            kinds = [event.type for event in events]
    except (openai.APIConnectionError, httpx2.RemoteProtocolError):
        assert not politely
    assert "response.completed" not in kinds
    assert provider.bill()["nusd"] > 0


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("rate", openai.RateLimitError, "rate_limit_exceeded"),
        ("context", openai.BadRequestError, "context_length_exceeded"),
        ("server", openai.InternalServerError, "server_error"),
    ],
)
def test_errors_of_responses_come_as_openai_says_them(
    client: openai.OpenAI, provider: Simulator, kind: str, error: type[openai.APIStatusError], code: str
) -> None:
    provider.behave(errors=[kind])
    with pytest.raises(error) as caught:
        respond(client)
    assert caught.value.code == code
    assert provider.bill()["nusd"] == 0


def test_a_cap_below_what_openai_takes_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="max_output_tokens"):
        respond(client, max_output_tokens=15)


@pytest.mark.parametrize("messages", [False, True])
def test_a_stream_rests_in_its_middle_until_it_is_told_to_go_on(
    client: openai.OpenAI, claude: anthropic.Anthropic, provider: Simulator, messages: bool
) -> None:
    provider.behave(stalled_midway=True)
    ended = threading.Event()
    with say(claude, stream=True) if messages else respond(client, stream=True) as events:
        first = next(iter(events))
        reader = threading.Thread(target=lambda: (list(events), ended.set()))
        reader.start()
        assert "start" in first.type or "created" in first.type
        assert (provider.bill()["in_flight"], ended.is_set()) == (1, False)
        provider.behave(stalled_midway=False)
        assert ended.wait(20)
        reader.join()


# Messages


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_calls_the_tool_that_was_offered(
    claude: anthropic.Anthropic, provider: Simulator, stream: bool
) -> None:
    provider.behave(script=[{"tool": "make all"}, {"say": "Made."}])
    if stream:
        words: dict[str, Any] = {"model": CLAUDE, "max_tokens": 2000, "messages": [asked("Make it.")], "tools": [BASH]}
        with claude.messages.stream(**words) as events:
            first = events.get_final_message()
    else:
        first = say(claude, tools=[BASH])
    [call] = first.content
    assert (first.stop_reason, call.name, call.input["command"]) == ("tool_use", "Bash", "make all")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "done"}
    history = [asked("Make it."), {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    second = say(claude, tools=[BASH], messages=history)
    assert (second.stop_reason, second.content[0].text) == ("end_turn", "Made.")


def test_what_a_message_reads_and_writes_in_a_cache_is_billed_apart(
    claude: anthropic.Anthropic, provider: Simulator
) -> None:
    provider.behave(tokens_per_byte=1, cached_tokens=3, written_tokens=2)
    usage = say(claude).usage
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (3, 2)
    assert provider.bill()["nusd"] == usage.input_tokens * 3_000 + 3 * 300 + 2 * 3_750 + 50 * 15_000


def test_a_message_can_fail_in_its_middle(claude: anthropic.Anthropic, provider: Simulator) -> None:
    provider.behave(failure="overloaded")
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        with claude.messages.stream(model=CLAUDE, max_tokens=9, messages=[asked("How many?")]) as events:
            events.until_done()
    assert provider.bill()["nusd"] > 0


def test_a_budget_of_thought_must_fit_into_the_cap(claude: anthropic.Anthropic, provider: Simulator) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    with pytest.raises(anthropic.BadRequestError, match="budget_tokens"):
        say(claude, thinking=thinking)
    between_tools = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert say(claude, thinking=thinking, extra_headers=between_tools).stop_reason == "end_turn"


def test_a_wrong_key_is_refused_in_the_words_of_each_api(provider: Simulator) -> None:
    with openai.OpenAI(base_url=provider.base_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as of_openai:
            respond(client)
    with anthropic.Anthropic(base_url=provider.base_url.removesuffix("/v1"), api_key="wrong", max_retries=0) as claude:
        with pytest.raises(anthropic.AuthenticationError, match="authentication_error"):
            say(claude)
    assert of_openai.value.code == "invalid_api_key"
    assert (provider.bill()["wrong_keys"], provider.bill()["nusd"]) == (2, 0)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/v1/files", 404, "invalid_request_error"),
        ("GET", "/v1/responses", 405, "invalid_request_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
    ],
)
def test_what_is_not_there_is_refused_in_the_words_of_each_api(
    provider: Simulator, method: str, path: str, status: int, kind: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=5)
    headers = {"anthropic-version": "2023-06-01"} if "messages" in path else {}
    connection.request(method, path, "{}", headers)
    response = connection.getresponse()
    assert (response.status, json.load(response)["error"]["type"]) == (status, kind)
    connection.close()


def test_a_request_that_is_not_json_is_refused(provider: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=5)
    connection.request("POST", "/v1/responses", "{", {"Authorization": "Bearer right"})
    assert connection.getresponse().status == 400
    connection.close()


def test_a_script_of_unknown_steps_is_refused(provider: Simulator) -> None:
    with pytest.raises(ValueError, match="no such step"):
        provider.behave(script=[{"tol": "make all"}])
