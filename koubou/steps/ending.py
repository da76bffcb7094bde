"""The one door out: every ending is decided here and owed to the folder."""

from __future__ import annotations

import re

from koubou.model.decision import Refused
from koubou.model.deed import FileAway
from koubou.model.instant import Instant
from koubou.model.status import Move
from koubou.model.task import Task
from koubou.steps.shop import Shop

_ID = re.compile(r"\bID\b")


def complete(shop: Shop, task: Task, answer_bytes: int, now: Instant) -> None:
    """The task has its answer."""
    shop.board.tasks.ended(task, Move.COMPLETED, now, answer_bytes=answer_bytes)
    shop.deeds.append(FileAway(task=task.seq, task_id=task.id))


def finish(shop: Shop, task: Task, run: int, answer_bytes: int, now: Instant) -> None:
    """A person lets what came of a run be enough."""
    shop.board.tasks.finished(task, run, answer_bytes, now)
    shop.deeds.append(FileAway(task=task.seq, task_id=task.id))


def fail(shop: Shop, task: Task, refused: Refused, now: Instant, code: str = "") -> None:
    """The task ends without an answer; the error says what a person can do."""
    error = {
        "class": refused.kind,
        "code": code,
        "message": refused.reason,
        "remedy": _ID.sub(task.id, refused.remedy),
        "retryable": refused.retryable,
    }
    shop.board.tasks.ended(task, Move.FAILED, now, error=error)
    shop.deeds.append(FileAway(task=task.seq, task_id=task.id))


def cancel(shop: Shop, task: Task, reason: str, now: Instant) -> None:
    """Somebody does not want it any more."""
    error = {
        "class": "cancelled",
        "code": "",
        "message": reason,
        "remedy": f"koubou retry {task.id} takes it up again",
        "retryable": True,
    }
    shop.board.tasks.ended(task, Move.CANCELLED, now, error=error)
    shop.deeds.append(FileAway(task=task.seq, task_id=task.id))
