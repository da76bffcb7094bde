"""Rows of the board ↔ values of the model."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from koubou.model.account import Account
from koubou.model.phase import Lesser, Phase
from koubou.model.request_json import bounds_from_json, budget_from_json
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import UNBOUND, Difficulty, Need, Sensitivity, Task

_COLUMNS = tuple(name for name in Task.__struct_fields__ if name != "park")
TASK_COLUMNS = ", ".join((*_COLUMNS, "park", "park_detail", "park_until"))
"""What `task_from_row` takes, in its order. By place and not by name: ten rows are made for every task."""

_WORDS: Sequence[tuple[int, Callable[[Any], Any]]] = tuple(
    (_COLUMNS.index(name), kind)
    for name, kind in {
        "waiting": Waiting,
        "sensitivity": Sensitivity,
        "difficulty": Difficulty,
        "asked_difficulty": Difficulty,
        "asked_sensitivity": Sensitivity,
        "outcome": Status,
        "phase": Phase,
        "lesser": Lesser,
    }.items()
)
_STATUS, _GIVEN_UP, _BUDGET, _BOUNDS = (_COLUMNS.index(name) for name in ("status", "given_up", "budget", "bounds"))
_FLAGS = tuple(
    _COLUMNS.index(name)
    for name in (
        "requires_high_capability",
        "has_dependencies",
        "suspect",
        "cancel_asked",
        "released",
        "half_used",
        "has_locks",
    )
)


def task_from_row(row: sqlite3.Row) -> Task:
    """A task's lean page, from the columns TASK_COLUMNS."""
    *values, park, detail, until = row
    values[_STATUS] = Status(values[_STATUS])
    given_up = values[_GIVEN_UP]
    values[_GIVEN_UP] = tuple(json.loads(given_up)) if given_up != "[]" else ()
    values[_BUDGET] = budget_from_json(values[_BUDGET])
    values[_BOUNDS] = UNBOUND if values[_BOUNDS] is None else bounds_from_json(values[_BOUNDS])
    for place in _FLAGS:
        values[place] = bool(values[place])
    for place, kind in _WORDS:
        if values[place] is not None:
            values[place] = kind(values[place])
    waits = Park(reason=ParkReason(park), detail=detail, until=until) if park else None
    return Task(**dict(zip(_COLUMNS, values, strict=True)), park=waits)


def need_from_row(row: sqlite3.Row) -> Need:
    """A task that another needs."""
    status, sensitivity = row["status"], row["sensitivity"]
    return Need(
        id=row["needs"],
        seq=row["seq"],
        owner=row["owner"],
        status=Status(status) if status else None,
        sensitivity=Sensitivity(sensitivity) if sensitivity else None,
        answer_bytes=row["answer_bytes"] or 0,
    )


def account_from_row(row: sqlite3.Row) -> Account:
    """An account as it stands."""
    return Account(
        name=row["name"],
        dimension=row["dimension"],
        limit=row["limit_amount"],
        ceiling=row["ceiling"],
        settled=row["settled"],
        held=row["held"],
        unreconciled=row["unreconciled"],
        added=row["added"],
        overdrawn=bool(row["overdrawn"]),
        told=row["told"],
        warn_percent=row["warn_percent"],
        reopens=row["reopens"],
    )
