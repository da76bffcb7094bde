"""A request as it is kept and passed on: JSON with what differs from the defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from koubou.model.task import Attachment, Difficulty, Message, Sensitivity, TaskBudget, TaskRequest


def request_to_json(request: TaskRequest) -> str:
    """A request as it is kept; what stands at its default is left out."""
    plain = TaskRequest()
    values: dict[str, Any] = {}
    for name in TaskRequest.__struct_fields__:
        value = getattr(request, name)
        if value != getattr(plain, name):
            values[name] = _plain(value)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def request_from_json(text: str) -> TaskRequest:
    """The request that `request_to_json` kept."""
    values: dict[str, Any] = json.loads(text)
    nested: Mapping[str, Any] = {
        "messages": lambda found: tuple(Message(**message) for message in found),
        "attachments": lambda found: tuple(Attachment(**attachment) for attachment in found),
        "budget": lambda found: TaskBudget(**found),
        "difficulty": Difficulty,
        "sensitivity": Sensitivity,
        "depends_on": tuple,
        "expect": tuple,
        "locks": tuple,
    }
    return TaskRequest(**{name: nested[name](value) if name in nested else value for name, value in values.items()})


def budget_to_json(budget: TaskBudget) -> str:
    """What a task's file says of its budget; `{}` where it says nothing, as most do."""
    said = {name: amount for name, amount in asdict(budget).items() if amount is not None}
    return json.dumps(said, separators=(",", ":")) if said else "{}"


def budget_from_json(text: str) -> TaskBudget:
    """The budget that `budget_to_json` kept."""
    return _NO_BUDGET if text == "{}" else TaskBudget(**json.loads(text))


_NO_BUDGET = TaskBudget()


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Struct):
        return asdict(value)
    return value
