"""The answer of a task's run as far as it came, in the shape of `koubou log --json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.board.reading import Reading
from koubou.errors import NotAllowed
from koubou.model.phase import Phase
from koubou.model.status import ENDS, Status
from koubou.model.task import Task
from koubou.views.answers import record_of, result_of_run, run_folder, text_of_run
from koubou.views.workshop import Workshop


def answering(task: Mapping[str, Any]) -> int | None:
    """The run whose answer is meant: of an ended task the one that was filed, else the last that was not a question."""
    if task["status"] in ENDS:
        return task["run"]  # type: ignore[no-any-return]
    return next((run["run"] for run in reversed(task["runs"]) if run["purpose"] == "answer"), None)


def answering_run(board: Reading, task: Task) -> int:
    """The same, asked of the board; 0 where there is no run yet. Until a task ends, its questions do not count."""
    runs = [run.number for run in board.runs(task) if run.purpose is Phase.ANSWER]
    return task.run if task.status in ENDS else max(runs, default=0)


def written(
    workshop: Workshop, task: Mapping[str, Any], number: int | None
) -> tuple[str | None, str | None, Mapping[str, Any] | None]:
    """(the folder of a run, its answer as far as it came, the worker's record): what there is, and may be read.

    Raises NotAllowed where there is an answer that the caller may not read, or not yet.
    """
    folder = run_folder(workshop, task["id"], number) if number else None
    last = number == task["run"]

    def filed() -> str | None:
        """A submitter may read what was filed, and nothing of how it came."""
        return record_of(workshop, task["id"], Status(task["status"])).get("answer") if last else None

    try:
        text = text_of_run(folder) if folder else None
        record = result_of_run(folder) or None if folder else None
    except PermissionError:
        if (text := filed()) is None:
            raise NotAllowed(not_for_you(task, number)) from None
        return folder, text, None
    if text is None and task["removed"]["runs_at"]:
        text = filed()
    return folder, text, record


def not_for_you(task: Mapping[str, Any], number: int | None) -> str:
    """Why an answer may not be read, and what tells of the task instead."""
    if Status(task["status"]) in ENDS:
        return f"only operators may read what came of run {number}; koubou show {task['id']} tells how it ended"
    return f"only operators may read an answer as it comes; koubou wait {task['id']} && koubou log {task['id']}"
