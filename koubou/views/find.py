"""Finding a task by its id, with a little patience for one that was dropped a moment ago."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from koubou.board.reading import Reading
from koubou.errors import UnknownTask
from koubou.folders.names import SUFFIXES, is_task_file, read_claim_file
from koubou.model.task import Task
from koubou.views.workshop import Workshop

T = TypeVar("T")

ON_BOARD = "; koubou list shows those there are"
OF_YOURS = " of yours"
_PATIENCE = 2.0
_PAUSE = 0.02


def find(workshop: Workshop, board: Reading, task_id: str) -> Task:
    """The task of this id. Raises UnknownTask; waits for it first while dropped files are being taken in."""
    return found(workshop, board.task, task_id)


def found(
    workshop: Workshop,
    look: Callable[[str], T | None],
    task_id: str,
    among: str = ON_BOARD,
    patience: float = _PATIENCE,
) -> T:
    """What a look at the task of this id brings. Raises UnknownTask, which says `among` which tasks it is not."""
    deadline = time.monotonic() + patience
    while (seen := look(task_id)) is None:
        if time.monotonic() > deadline or not arriving(workshop):
            # What was dropped may have arrived between the two looks.
            if (seen := look(task_id)) is not None:
                return seen
            raise UnknownTask(f'there is no task "{task_id}"{_refused(workshop, task_id) or among}')
        time.sleep(_PAUSE)
    return seen


def _refused(workshop: Workshop, task_id: str) -> str | None:
    """Where it says why a file of this name was refused, as far as we may see: its author may take it for a task."""
    if not task_id or not task_id.isascii() or not task_id.isprintable() or "/" in task_id:
        return None
    names = [f"{task_id}{os.fsdecode(suffix)}" for suffix in SUFFIXES]
    reasons = [f"{workshop.layout.rejected}/{name}.error.json" for name in names]
    reason = next((path for path in reasons if os.path.lexists(path)), None)
    return reason and f", but a file of this name was refused: {reason} says why"


def arriving(workshop: Workshop) -> bool:
    """Whether files are being taken in now, as far as we may see."""
    try:
        names = os.listdir(os.fsencode(workshop.layout.tasks))
    except FileNotFoundError:
        return False
    except PermissionError:
        return workshop.served
    return workshop.served and any(is_task_file(name) or read_claim_file(name) for name in names)
