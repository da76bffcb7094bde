"""Reading back what a completed task has on its shelf, for the tasks that take it as input."""

from __future__ import annotations

import json
import os

from koubou.folders.layout import Layout

LARGEST = 64 * 1024 * 1024


def read_answer(layout: Layout, task: str) -> str:
    """The answer of a completed task. Raises OSError when it is not there, ValueError when it is no answer."""
    path = f"{layout.task_folder('completed', task)}/output.json"
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = json.loads(file.read(LARGEST + 1))
    answer = found.get("answer") if isinstance(found, dict) else None
    if not isinstance(answer, str):
        raise ValueError("output.json holds no answer")
    return answer
