"""A request as it is kept and passed on: JSON with what differs from the defaults."""

from __future__ import annotations

import json
from functools import lru_cache

from msgspec import convert
from msgspec.json import encode
from msgspec.structs import asdict

from koubou.model.task import UNBOUND, Bounds, TaskBudget, TaskRequest


def request_to_json(request: TaskRequest) -> str:
    """A request as it is kept; what stands at its default is left out."""
    said = {name: value for name, value in asdict(request).items() if value != getattr(_PLAIN, name)}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=asdict)


def request_from_json(text: str) -> TaskRequest:
    """The request that `request_to_json` kept."""
    return convert(json.loads(text), TaskRequest)


def budget_to_json(budget: TaskBudget) -> str:
    """What a task's file says of its budget; `{}` where it says nothing, as most do."""
    said = {name: amount for name, amount in asdict(budget).items() if amount is not None}
    return json.dumps(said, separators=(",", ":")) if said else "{}"


@lru_cache(256)
def budget_from_json(text: str) -> TaskBudget:
    """The budget that `budget_to_json` kept."""
    return _NO_BUDGET if text == "{}" else TaskBudget(**json.loads(text))


def bounds_to_json(bounds: Bounds) -> str | None:
    """What binds a task wherever it goes; None where nothing does."""
    return None if bounds == UNBOUND else encode(bounds).decode()


@lru_cache(256)
def bounds_from_json(text: str) -> Bounds:
    """The bounds that `bounds_to_json` kept."""
    return convert(json.loads(text), Bounds)


_PLAIN = TaskRequest()
_NO_BUDGET = TaskBudget()
