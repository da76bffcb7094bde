"""Waiting for what the board will say: that dropped files were taken in, that tasks have ended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from koubou.cli.progress import progress
from koubou.cli.say import note
from koubou.cli.watching import Watch
from koubou.errors import Problem, TaskFileError
from koubou.model.status import ENDS, Status
from koubou.views.why import Changes, stands, wait_told
from koubou.views.workshop import Workshop

if TYPE_CHECKING:
    from koubou.views.draft import Draft

FOREVER = float("inf")
_NEVER = float("-inf")
_SHORTEST, _LONGEST = 0.01, 0.25
_BETWEEN_WORDS = 1.0


class Dropped(Struct, frozen=True, kw_only=True):
    """A draft that lies in the drop folder, under a name of its own."""

    draft: Draft
    name: str


def looks(timeout: float, longest: float = _LONGEST) -> Iterator[None]:
    """One turn for each look, ever slower, until so many seconds have passed; the last look is after that."""
    deadline, pause = time.monotonic() + timeout, _SHORTEST
    while True:
        late = time.monotonic() >= deadline
        yield
        if late:
            return
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.2, longest)


def taken_in(workshop: Workshop, watch: Watch, dropped: Sequence[Dropped], timeout: float) -> bool:
    """Wait until dropped files are on the board; False when some are still not after `timeout` seconds.

    Raises TaskFileError with the reason of each that was refused.
    """
    waiting = list(dropped)
    refused: list[Problem] = []
    for _ in looks(timeout):
        known = watch.identities([task_id for each in waiting for task_id in each.draft.ids])
        waiting = [each for each in waiting if not _on_board(each, known)]
        for each in waiting.copy():
            if problems := _refusal(workshop, each):
                refused += problems
                waiting.remove(each)
        if not waiting:
            break
    if refused:
        raise TaskFileError("refused", refused[0], refused[1:])
    return not waiting


def ended(watch: Watch, ids: Sequence[str], timeout: float, tell: Callable[[str, Status], None]) -> dict[str, Status]:
    """Wait until tasks have ended, and tell of each as it does; those that have within `timeout` seconds.

    What keeps them is noted beside it: once each stop and each park, and at the end why the others are late.
    """
    verdicts: dict[str, Status] = {}
    waiting, changes, told_at = list(dict.fromkeys(ids)), Changes(note), _NEVER
    total = len(waiting)
    with progress(f"waiting for {ids[0] if total == 1 else 'tasks'}") as so_far:
        for _ in looks(timeout):
            standing = watch.standing(waiting)
            for task_id in waiting.copy():
                status = standing.get(task_id.lower())
                if status in ENDS:
                    verdicts[task_id] = status
                    waiting.remove(task_id)
                    so_far.clear()
                    tell(task_id, status)
            if not waiting:
                break
            if total > 1:
                so_far.at(total - len(waiting), total)
            if time.monotonic() - told_at >= _BETWEEN_WORDS:
                told_at = time.monotonic()
                waits = watch.waits(waiting)
                changes.look(waits)
                if total == 1:
                    so_far.says("".join(map(stands, waits.values())))
    if waiting:
        _tell_of_late(watch, waiting)
    return verdicts


def _tell_of_late(watch: Watch, ids: Sequence[str]) -> None:
    """Why each has not ended yet, and where more of it is told."""
    waits = watch.waits(ids)
    note(f"not ended in time: {' '.join(ids)}")
    for task_id in ids:
        if (wait := waits.get(task_id.lower())) is not None:
            note(f"{wait.id}: {wait_told(wait)}; koubou {watch.explained_by} {wait.id}")


def _on_board(dropped: Dropped, known: Mapping[str, tuple[str, int]]) -> bool:
    ids, me = zip(dropped.draft.ids, dropped.draft.digests, strict=True), os.geteuid()
    return all(known.get(task_id.lower()) == (digest, me) for task_id, digest in ids)


def _refusal(workshop: Workshop, dropped: Dropped) -> list[Problem]:
    """What the master says is wrong with a file, if he refused it and we may see that."""
    reason = f"{workshop.layout.rejected}/{dropped.name}.error.json"
    try:
        with open(reason, "rb") as file:
            error: dict[str, Any] = json.load(file)["error"]
    except PermissionError:
        if not os.path.lexists(reason):
            return []
        message = f"it was not taken in, and you may not read why: ask the workshop's operator for {reason}"
        return [Problem(message=message, file=dropped.draft.file)]
    except (OSError, ValueError, KeyError):
        return []
    return [_problem(dropped, each) for each in error.get("problems") or [error]]


def _problem(dropped: Dropped, told: Mapping[str, Any]) -> Problem:
    return Problem(
        message=str(told.get("message")).removeprefix(f"{dropped.name}: "),
        file=dropped.draft.file,
        line=told.get("line"),
        column=told.get("column"),
        key=told.get("key"),
        nearest=told.get("nearest"),
    )
