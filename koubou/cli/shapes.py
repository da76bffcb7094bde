"""The JSON shapes that other programs rely on: names are added, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from koubou.board.reading import Line, Rest, Seen
from koubou.model.account import Account
from koubou.model.instant import Instant, iso
from koubou.model.money import Nano, usd
from koubou.model.run import Run
from koubou.model.status import Park
from koubou.model.task import Task


def task_shape(task: Task) -> dict[str, Any]:
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
        "cost_usd": usd(task.cost),
        "cost_nusd": task.cost,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        "started_at": _iso(task.started_at),
        "finished_at": _iso(task.finished_at),
    }


def whole_task_shape(task: Task, rest: Rest, runs: Sequence[Run], history: Sequence[Line]) -> dict[str, Any]:
    """A task as `show` gives it."""
    return {
        **task_shape(task),
        "parent": rest.parent,
        "tokens": rest.tokens,
        "waiting": task.waiting,
        "route": [asdict(reason) for reason in task.route],
        "error": rest.error,
        "removed": {
            "runs_at": _iso(rest.runs_removed_at),
            "text_at": _iso(rest.text_removed_at),
            "purged_at": _iso(rest.purged_at),
        },
        "runs": [run_shape(run) for run in runs],
        "history": [line_shape(line) for line in history],
    }


def park_shape(park: Park | None) -> dict[str, Any] | None:
    """Why a task waits, and until when if that is known."""
    return None if park is None else {"reason": park.reason, "until": _iso(park.until), "detail": park.detail}


def run_shape(run: Run) -> dict[str, Any]:
    """One attempt."""
    return {
        "run": run.number,
        "tier": run.tier,
        "worker": run.worker,
        "call": run.call,
        "admitted_at": iso(run.admitted_at),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "outcome": run.outcome,
    }


def line_shape(line: Line) -> dict[str, Any]:
    """One line of a history."""
    return {"at": iso(line.at), "event": line.event, "reason": line.reason, "actor": line.actor}


def account_shape(account: Account) -> dict[str, Any]:
    """How a limit stands; USD for people, whole nano-dollars for those who add up."""
    head = {
        "name": account.name,
        "dimension": account.dimension,
        "reopens_at": _iso(account.reopens),
    }
    if account.dimension != "usd":
        amounts = {"limit": account.limit, "settled": account.settled, "held": account.held, "left": account.left}
        return {**head, **amounts}
    return {
        **head,
        "limit_usd": _usd(account.limit),
        "ceiling_usd": _usd(account.ceiling),
        "settled_usd": usd(account.settled),
        "held_usd": usd(account.held),
        "left_usd": _usd(account.left),
        "over_usd": usd(account.over),
        "unreconciled_usd": usd(account.unreconciled),
        "limit_nusd": account.limit,
        "settled_nusd": account.settled,
        "held_nusd": account.held,
        "left_nusd": account.left,
    }


def worker_shape(worker: Seen) -> dict[str, Any]:
    """One worker, by incarnation."""
    return {
        "worker": worker.id,
        "tier": worker.tier,
        "model": worker.model,
        "pid": worker.pid,
        "status": worker.status,
        "running": worker.running,
        "last_heartbeat": iso(worker.last_beat),
        "created_at": iso(worker.created_at),
        "ended_at": _iso(worker.ended_at),
        "end_reason": worker.end_reason,
    }


def tier_shape(said: Mapping[str, Any], queued: int, running: int, places: int) -> dict[str, Any]:
    """A tier as `status` gives it: `said` is what the master told of it, empty where nobody serves."""
    return {"breaker": None, "unfit": None, "queued": queued, "running": running, "places": places, **said}


def _iso(at: Instant | None) -> str | None:
    return None if at is None else iso(at)


def _usd(amount: Nano | None) -> float | None:
    return None if amount is None else usd(amount)
