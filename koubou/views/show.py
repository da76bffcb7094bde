"""One task with its history, in the shape of `koubou show --json`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from koubou.board.shapes import park_shape
from koubou.model.status import Status, Waiting
from koubou.views.queueing import opens_at, park_of_rate
from koubou.views.workshop import Workshop


def waits_for_place(task: Mapping[str, Any]) -> bool:
    """Whether only the master can say what keeps it: the rate of its tier."""
    return task["park"] is None and task["waiting"] == Waiting.ADMIT


def whole(workshop: Workshop, task: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A task as a `Look` shows it, with its folder and what the master `said` of its tier's rate."""
    park = task["park"]
    if waits_for_place(task):
        park = park_shape(park_of_rate(task["tier"], opens_at(said, task["tier"])))
    return {**task, "park": park, "folder": folder_of(workshop, task["id"], Status(task["status"]))}


def folder_of(workshop: Workshop, task_id: str, status: Status) -> str | None:
    """Where the task's files are; None before its first run."""
    match status:
        case Status.COMPLETED:
            shelf = "completed"
        case Status.FAILED | Status.CANCELLED:
            shelf = "failed"
        case _:
            shelf = "in_progress"
    folder = workshop.layout.task_folder(shelf, task_id)
    return folder if os.path.isdir(folder) else None


def gone_of(removed: Mapping[str, str | None]) -> str | None:
    """What is no longer there of a task, and since when; None when all of it is."""
    if removed["purged_at"]:
        return f"purged at {removed['purged_at']}: only its id and what it cost are left"
    if removed["text_at"]:
        return f"text and answer at {removed['text_at']}, kept long enough: its id, history and cost are left"
    if removed["runs_at"]:
        return f"the records of its calls at {removed['runs_at']}, kept long enough: its answer is left"
    return None
