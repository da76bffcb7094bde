"""Where answers are: the folders of tasks and runs, for reading."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from koubou.model.status import Status
from koubou.views.workshop import Workshop
from koubou.wire.record import ANSWER, NAME

_SHELVES = ("in_progress", "completed", "failed")


def record_of(workshop: Workshop, task_id: str, status: Status) -> dict[str, Any]:
    """output.json or error.json of an ended task; what the board knows where we may not read it."""
    completed = status is Status.COMPLETED
    folder = workshop.layout.task_folder("completed" if completed else "failed", task_id)
    try:
        with open(f"{folder}/{'output.json' if completed else 'error.json'}", encoding="utf-8") as file:
            record: dict[str, Any] = json.load(file)
    except (PermissionError, FileNotFoundError):
        return {"task": task_id, "status": status}
    return record


def run_folder(workshop: Workshop, task_id: str, run: int) -> str | None:
    """The folder of a run, on whichever shelf it is now; None when there is none (yet)."""
    for shelf in _SHELVES:
        folder = f"{workshop.layout.task_folder(shelf, task_id)}/runs/{run}"
        if os.path.isdir(folder):
            return folder
        # A folder that we may not look into is there all the same: opening it says who may.
        if os.path.isdir(os.path.dirname(os.path.dirname(folder))) and not os.access(os.path.dirname(folder), os.X_OK):
            return folder
    return None


def text_of_run(folder: str) -> str | None:
    """The answer of a run as far as it came; None when nothing has come. Raises PermissionError."""
    try:
        with open(f"{folder}/{ANSWER}", encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        answer = result_of_run(folder).get("answer")
        return answer if isinstance(answer, str) and answer else None


def result_of_run(folder: str) -> Mapping[str, Any]:
    """The record that the worker left; empty when there is none."""
    try:
        with open(f"{folder}/{NAME}", encoding="utf-8") as file:
            record: Mapping[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return record
