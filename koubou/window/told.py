"""JSON as the window sends it, and what of a task somebody gets to see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Response

from koubou.board.browsing import Listed
from koubou.board.shapes import without_text
from koubou.model.access import Caller, Scope
from koubou.model.task import Task
from koubou.rules.access import reach_of, sees_text
from koubou.rules.route import is_confidential

SESSION = "session:"
"""How the accounts of sessions begin, whose names are words of those who submit."""
_ENCODER = msgspec.json.Encoder()


def as_json(value: Any) -> bytes:
    """One JSON value, in UTF-8. Half a character, which an answer may hold, is said in ASCII."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def told(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of one JSON value."""
    return Response(as_json(value), status, dict(headers or {}), media_type="application/json")


def may_read(caller: Caller, task: Task | Listed) -> bool:
    """Whether somebody may see what a task says: what nobody has judged yet counts as confidential."""
    return sees_text(caller, task.owner, confidential=is_confidential(task.sensitivity))


def reads_all(caller: Caller) -> bool:
    """Whether no task's words are kept from him. Names of sessions are words, and belong to many tasks."""
    return reach_of(caller, "read_confidential") is Scope.ALL


def seen_by(caller: Caller, task: Task | Listed, shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shape of a task, without its words for who may not read them."""
    return shape if may_read(caller, task) else without_text(shape)
