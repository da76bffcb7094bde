"""A request is kept as JSON and comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.model.request_json import request_from_json, request_to_json
from koubou.model.task import Attachment, Difficulty, Message, Sensitivity, TaskBudget, TaskRequest

FULL: dict[str, Any] = {
    "id": "a",
    "type": "testing",
    "title": "工房",
    "prompt": "\u2028\x00",
    "messages": (Message(role="user", content="x"),),
    "system": "s",
    "prompt_file": "p.txt",
    "attachments": (Attachment(name="n", content="c"),),
    "workspace": "/srv",
    "executor": "chat",
    "tier": "local",
    "difficulty": Difficulty.LOW,
    "sensitivity": Sensitivity.INTERNAL,
    "priority": 9,
    "not_before": 1,
    "depends_on": ("b", "c"),
    "inputs": {"plan": "b"},
    "parent": "p",
    "session": "s",
    "budget": TaskBudget(cost=1, tokens=2, time=3, file_edits=4, commands=5),
    "max_output_tokens": 6,
    "temperature": 0.0,
    "response_format": {"type": "object", "a": [1, None, {"b": 2.5}]},
    "expect": ("e",),
    "requires_high_capability": True,
    "isolate": False,
    "locks": ("l",),
    "expires_at": 7,
    "retries": 0,
    "on_interrupt": "hold",
    "metadata": {"k": ["v", {"w": True}]},
    "notify": ("ops",),
}


def test_the_full_request_leaves_no_field_out() -> None:
    assert set(FULL) == set(TaskRequest.__struct_fields__)
    plain = TaskRequest()
    assert [name for name, value in FULL.items() if value == getattr(plain, name)] == []


@pytest.mark.parametrize("name", FULL)
def test_each_field_comes_back_alone(name: str) -> None:
    request = TaskRequest(**{name: FULL[name]})
    kept = request_to_json(request)
    assert list(json.loads(kept)) == [name]
    assert request_from_json(kept) == request


def test_everything_comes_back_together_and_nothing_is_kept_of_nothing() -> None:
    assert request_from_json(request_to_json(TaskRequest(**FULL))) == TaskRequest(**FULL)
    assert request_to_json(TaskRequest()) == "{}"


@given(some.builds(TaskRequest, messages=some.lists(some.builds(Message), max_size=2).map(tuple)))
def test_whatever_was_written_comes_back(request: TaskRequest) -> None:
    back = request_from_json(request_to_json(request))
    assert (back.prompt, back.title, back.messages) == (request.prompt, request.title, request.messages)
    assert (back.priority, back.retries, back.max_output_tokens) == (
        request.priority,
        request.retries,
        request.max_output_tokens,
    )
