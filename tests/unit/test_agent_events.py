"""What the events of agents say, and when they have done too much."""

from __future__ import annotations

import re
from typing import Any

import pytest

from koubou.model.agent import Deeds, Work
from koubou.model.call import ErrorClass
from koubou.rules import claude_events, codex_events
from koubou.rules.agent_events import NOTHING, Deed, Seen, too_many, with_deed

RISKY = (re.compile(r"\brm -rf\b"),)


def codex(kind: str, **members: Any) -> Seen:
    return codex_events.read_event({"type": kind, **members})


def claude(kind: str, **members: Any) -> Seen:
    return claude_events.read_event({"type": kind, **members})


def test_codex_tells_its_thread_its_words_and_its_end() -> None:
    assert codex("thread.started", thread_id="t") == Seen(session="t")
    item = {"id": "item_0", "type": "agent_message", "text": "pong"}
    assert codex("item.completed", item=item) == Seen(text="pong")
    assert codex("turn.completed", usage={"input_tokens": 1}) == Seen(over=True)


def test_codex_tells_its_deeds_twice_by_the_same_key() -> None:
    command = {"id": "item_1", "type": "command_execution", "command": "ls", "status": "in_progress"}
    edit = {"id": "item_2", "type": "file_change", "changes": [{"path": "a"}, {"path": "b"}], "status": "completed"}
    for stage in ("item.started", "item.completed"):
        assert codex(stage, item=command).deeds == (Deed(key="item_1", command="ls"),)
        assert codex(stage, item=edit).deeds == (Deed(key="item_2", edits=2),)


@pytest.mark.parametrize(
    ("sentence", "kind", "status"),
    [
        ("unexpected status 401 Unauthorized: mock, url: http://x, request id: 1", ErrorClass.AUTH, 401),
        ("unexpected status 503 Service Unavailable: secret words", ErrorClass.SERVER, 503),
        ("unexpected status 400 Bad Request: secret words", ErrorClass.BAD_REQUEST, 400),
        ("exceeded retry limit, last status: 429 Too Many Requests", ErrorClass.RATE, 429),
        ("Quota exceeded. Check your plan and billing details.", ErrorClass.QUOTA, None),
        ("Codex ran out of room in the model's context window.", ErrorClass.CONTEXT, None),
        ("Incomplete response returned, reason: max_output_tokens", ErrorClass.CUT, None),
        ("stream disconnected before completion: secret words", ErrorClass.CUT, None),
        ("idle timeout waiting for SSE", ErrorClass.TIMEOUT, None),
        ("Connection failed: error sending request", ErrorClass.UNREACHABLE, None),
        ("We're currently experiencing high demand", ErrorClass.SERVER, None),
        ("secret words", ErrorClass.SERVER, None),
    ],
)
def test_a_failed_turn_of_codex_has_a_class_and_none_of_its_words(
    sentence: str, kind: ErrorClass, status: int | None
) -> None:
    error = codex("turn.failed", error={"message": sentence}).error
    assert error is not None
    assert (error.kind, error.status) == (kind, status)
    assert "secret" not in error.message


def test_claude_tells_its_session_its_deeds_and_its_end() -> None:
    assert claude("system", subtype="init", session_id="s") == Seen(session="s")
    blocks = [
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "id": "1", "name": "Bash", "input": {"command": "rm -rf x"}},
        {"type": "tool_use", "id": "2", "name": "Edit", "input": {"file_path": "a"}},
        {"type": "tool_use", "id": "3", "name": "Read", "input": {"file_path": "a"}},
    ]
    seen = claude("assistant", message={"content": blocks})
    assert seen.deeds == (Deed(key="1", command="rm -rf x"), Deed(key="2", edits=1))
    whole = claude("result", subtype="success", is_error=False, result="pong", queued_turn_count=0)
    assert whole == Seen(over=True, text="pong")
    assert not claude("result", subtype="success", is_error=False, result="pong", queued_turn_count=1).over


@pytest.mark.parametrize(
    ("members", "kind", "code"),
    [
        ({"api_error_status": 401, "api_error_type": "authentication_error"}, ErrorClass.AUTH, "authentication_error"),
        ({"api_error_status": 429}, ErrorClass.RATE, ""),
        ({"api_error_status": 529}, ErrorClass.SERVER, ""),
        ({"api_error_status": 403, "api_error_type": "secret words"}, ErrorClass.AUTH, ""),
        ({"api_error_status": None, "terminal_reason": "api_error"}, ErrorClass.CUT, "api_error"),
        ({"api_error_status": None, "stop_reason": "refusal"}, ErrorClass.POLICY, "refusal"),
        ({"subtype": "error_max_turns"}, ErrorClass.SERVER, "error_max_turns"),
    ],
)
def test_a_result_of_claude_that_calls_itself_a_success_may_be_an_error(
    members: dict[str, Any], kind: ErrorClass, code: str
) -> None:
    seen = claude("result", **{"subtype": "success", "is_error": True, "result": "secret words", **members})
    assert seen.over
    assert seen.text is None
    assert seen.error is not None
    assert (seen.error.kind, seen.error.code) == (kind, code)
    assert "secret" not in seen.error.message


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 3},
        {"type": "item.completed", "item": "text"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "error", "message": "no metadata"}},
        {"type": "assistant", "message": {"content": "text"}},
        {"type": "thread.started", "thread_id": 3},
    ],
)
def test_what_is_not_understood_says_nothing(event: dict[str, Any]) -> None:
    assert codex_events.read_event(event) == NOTHING
    assert claude_events.read_event(event) in (NOTHING, Seen(deeds=()))


def test_a_dangerous_command_is_found_however_long_it_is() -> None:
    deeds = with_deed(Deeds(commands=1), Deed(key="1", command="echo " + "x" * 15_000 + "; rm -rf /"), RISKY)
    assert deeds == Deeds(commands=2, dangerous=1)
    assert with_deed(deeds, Deed(key="2", edits=3), RISKY) == Deeds(commands=2, dangerous=1, edits=3)


@pytest.mark.parametrize(
    ("deeds", "code"),
    [
        (Deeds(edits=3), None),
        (Deeds(edits=4), "edits"),
        (Deeds(commands=6), "commands"),
        (Deeds(dangerous=2), "dangerous"),
    ],
)
def test_the_limits_are_what_may_still_be_done(deeds: Deeds, code: str | None) -> None:
    error = too_many(deeds, Work(edits=3, commands=5), 1)
    assert (error.code if error else None) == code
    assert too_many(Deeds(edits=1000, commands=1000), Work(), 1) is None
