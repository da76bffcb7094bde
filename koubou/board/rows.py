"""Rows of the board ↔ values of the model."""

from __future__ import annotations

import json
import sqlite3

from koubou.model.account import Account
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import Difficulty, Need, Sensitivity, Task


def task_from_row(row: sqlite3.Row) -> Task:
    """A task's lean page."""
    park = row["park"]
    waiting, sensitivity, difficulty, outcome = row["waiting"], row["sensitivity"], row["difficulty"], row["outcome"]
    asked_difficulty, asked_sensitivity = row["asked_difficulty"], row["asked_sensitivity"]
    given_up = row["given_up"]
    return Task(
        seq=row["seq"],
        id=row["id"],
        owner=row["owner"],
        type=row["type"],
        title=row["title"],
        session=row["session"],
        status=Status(row["status"]),
        waiting=Waiting(waiting) if waiting else None,
        park=Park(reason=ParkReason(park), detail=row["park_detail"], until=row["park_until"]) if park else None,
        priority=row["priority"],
        sensitivity=Sensitivity(sensitivity) if sensitivity else None,
        difficulty=Difficulty(difficulty) if difficulty else None,
        asked_tier=row["asked_tier"],
        asked_difficulty=Difficulty(asked_difficulty) if asked_difficulty else None,
        asked_sensitivity=Sensitivity(asked_sensitivity) if asked_sensitivity else None,
        requires_high_capability=bool(row["requires_high_capability"]),
        executor=row["executor"],
        tier=row["tier"],
        judged=row["judged"],
        routed=row["routed"],
        given_up=tuple(json.loads(given_up)) if given_up != "[]" else (),
        input_bytes=row["input_bytes"],
        message_count=row["message_count"],
        inputs_bytes=row["inputs_bytes"],
        max_output_tokens=row["max_output_tokens"],
        budget_cost=row["budget_cost"],
        budget_time=row["budget_time"],
        retries=row["retries"],
        on_interrupt=row["on_interrupt"],
        not_before=row["not_before"],
        expires_at=row["expires_at"],
        has_dependencies=bool(row["has_dependencies"]),
        attempts=row["attempts"],
        failures=row["failures"],
        interruptions=row["interruptions"],
        run=row["run"],
        cancel_asked=bool(row["cancel_asked"]),
        outcome=Status(outcome) if outcome else None,
        cost=row["cost"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


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
        reopens=row["reopens"],
    )
