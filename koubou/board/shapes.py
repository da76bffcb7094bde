"""The JSON shapes of tasks that other programs rely on: names are added, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from koubou.board.browsing import Listed
from koubou.board.reading import ALL, Line, Reading, Rest
from koubou.board.waits import Wait
from koubou.model.instant import iso, iso_or_none
from koubou.model.money import usd
from koubou.model.run import Run
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import Task


def shown(board: Reading, task: Task, after: int = 0, most: int = ALL) -> tuple[dict[str, Any], int | None]:
    """A task as `show` gives it, but for its folder, with so many lines of its history at most from after a line.

    And the line after which the rest of the history comes; None when nothing is left out.
    """
    history = board.history(task, after, most)
    left_out = history[-1].id if history and len(history) == most else None
    return whole_task_shape(task, board.rest(task), board.runs(task), history), left_out


def task_shape(task: Task | Listed) -> dict[str, Any]:
    """A task as `list` and `show` give it. `id` is the word of task files, `task` that of output.json."""
    return {
        "id": task.id,
        "task": task.id,
        "title": task.title,
        "type": task.type,
        "status": task.status,
        "park": park_shape(task.park),
        "tier": task.tier,
        "sensitivity": task.sensitivity,
        "difficulty": task.difficulty,
        "priority": task.priority,
        "session": task.session,
        "attempts": task.attempts,
        "judge_score": task.judge_score,
        "upgraded_to": task.upgraded_to,
        "lesser": task.lesser,
        "rated": task.rated,
        "cost_usd": usd(task.cost),
        "cost_nusd": task.cost,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        "started_at": iso_or_none(task.started_at),
        "finished_at": iso_or_none(task.finished_at),
    }


def whole_task_shape(task: Task, rest: Rest, runs: Sequence[Run], history: Sequence[Line]) -> dict[str, Any]:
    """A task as `show` gives it."""
    return {
        **task_shape(task),
        "parent": rest.parent,
        "tokens": rest.tokens,
        "waiting": task.waiting,
        "run": task.run or None,
        "route": [asdict(reason) for reason in task.route],
        "error": rest.error,
        "removed": removed_shape(rest),
        "runs": [run_shape(run) for run in runs],
        "history": [line_shape(line) for line in history],
    }


def without_text(shape: Mapping[str, Any]) -> dict[str, Any]:
    """A task of which somebody may know but not what it says: no title, no names and words of its submitter's."""
    error = shape.get("error")
    park = shape.get("park")
    # What a task waits for may name its session, its locks, or the tasks that it needs.
    kept = {**shape, "title": "", "session": None, "park": None if park is None else {**park, "detail": ""}}
    if "history" in shape:
        kept["parent"] = None
        kept["error"] = None if error is None else {name: error.get(name) for name in ("class", "code")}
        kept["history"] = [{**line, "reason": ""} for line in shape["history"]]
    return kept


def park_shape(park: Park | None) -> dict[str, Any] | None:
    """Why a task waits, and until when if that is known."""
    return None if park is None else {"reason": park.reason, "until": iso_or_none(park.until), "detail": park.detail}


def wait_shape(wait: Wait) -> dict[str, Any]:
    """What a task waits for, as the master tells it to its owner: which latch, and not why it fell."""
    return {
        "id": wait.id,
        "status": wait.status,
        "waiting": wait.waiting,
        "tier": wait.tier,
        "park": None
        if wait.park is None
        else {name: getattr(wait.park, name) for name in ("reason", "detail", "until")},
        "stop": wait.stop,
    }


def wait_from_shape(told: Mapping[str, Any]) -> Wait:
    """The same from what was told."""
    park = told["park"]
    return Wait(
        id=told["id"],
        status=Status(told["status"]),
        waiting=Waiting(told["waiting"]) if told["waiting"] else None,
        tier=told["tier"],
        park=None if park is None else Park(**park | {"reason": ParkReason(park["reason"])}),
        stop=told["stop"],
    )


def removed_shape(rest: Rest) -> dict[str, str | None]:
    """Since when what of a task is no longer there."""
    return {
        "runs_at": iso_or_none(rest.runs_removed_at),
        "text_at": iso_or_none(rest.text_removed_at),
        "purged_at": iso_or_none(rest.purged_at),
    }


def run_shape(run: Run) -> dict[str, Any]:
    """One attempt."""
    return {
        "run": run.number,
        "tier": run.tier,
        "worker": run.worker,
        "call": run.call,
        "admitted_at": iso(run.admitted_at),
        "started_at": iso_or_none(run.started_at),
        "ended_at": iso_or_none(run.ended_at),
        "outcome": run.outcome,
        "purpose": run.purpose,
        "executor": run.executor,
        "session": run.session,
        "calls": run.calls,
        "file_edits": run.edits,
        "commands": run.commands,
    }


def line_shape(line: Line) -> dict[str, Any]:
    """One line of a history."""
    return {"at": iso(line.at), "event": line.event, "reason": line.reason, "actor": line.actor, "source": line.source}
