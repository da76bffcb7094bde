"""The way of a task on any board, a step at a time; every step is told what the task looked like before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from koubou.board import Board
from koubou.model.decision import Reason, Routed
from koubou.model.instant import HOUR
from koubou.model.run import Run
from koubou.model.status import Move, Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity, Task
from tests.builders import NOW, a_new_task

TIER = Routed(tier="medium", reasons=(Reason(rule="difficulty", reason="medium goes to medium"),))
PARK = Park(reason=ParkReason.RATE, detail="too fast", until=NOW + HOUR)


def classify(board: Board, task: Task) -> None:
    board.tasks.classified(task, Sensitivity.PUBLIC, Difficulty.MEDIUM, (), NOW)


def route(board: Board, task: Task) -> None:
    board.tasks.routed(task, TIER, NOW)


def admit(board: Board, task: Task) -> None:
    number = board.tasks.admitted(task, 7, 100, NOW)
    board.runs.insert(a_run(task, number))


def start(board: Board, task: Task) -> None:
    board.tasks.started(task, NOW)


def end(board: Board, task: Task) -> None:
    board.tasks.ended(task, Move.COMPLETED, NOW)


def fail(board: Board, task: Task) -> None:
    board.tasks.ended(task, Move.FAILED, NOW)


def file(board: Board, task: Task) -> None:
    board.tasks.filed(task.seq, NOW)


def park(board: Board, task: Task) -> None:
    board.tasks.parked(task, PARK, NOW)


def retry(board: Board, task: Task) -> None:
    board.tasks.retried(task, NOW)


def reroute(board: Board, task: Task) -> None:
    board.tasks.rerouted(task, NOW)


def revive(board: Board, task: Task) -> None:
    board.tasks.revived(task, NOW)


Step = Callable[[Board, Task], None]
WAY: list[Step] = [classify, route, admit, start, end, file]


def a_run(task: Task, number: int, worker: str = "worker") -> Run:
    call = f"{task.id}-{number}"
    return Run(task=task.seq, number=number, tier="medium", worker=worker, call=call, cap=9, timeout=9, admitted_at=NOW)


def drop(board: Board, task_id: str = "a-task", **asked: Any) -> Task:
    return board.tasks.at(board.tasks.insert(a_new_task(task_id, **asked), NOW))


def led_to(board: Board, last: Step, task_id: str = "a-task", **asked: Any) -> Task:
    """A task that has come as far as this step; as the board has it."""
    task = drop(board, task_id, **asked)
    for step in WAY[: WAY.index(last) + 1]:
        step(board, task)
        task = board.tasks.at(task.seq)
    return task


def failed(board: Board, task_id: str = "a-task") -> Task:
    """A task that ended without an answer, and whose error is filed; as the board has it."""
    task = led_to(board, start, task_id)
    fail(board, task)
    file(board, task)
    return board.tasks.at(task.seq)


def rows(board: Board, table: str) -> list[Any]:
    """Everything that a table or view has."""
    return list(board.connection.execute(f"SELECT * FROM {table}"))
