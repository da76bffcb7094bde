"""koubou show: one task with its history."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koubou.board.reading import Line, Rest
    from koubou.cli.workshop import Workshop
    from koubou.model.run import Run
    from koubou.model.task import Task


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou show fix-login-123", "koubou show fix-login-123 --json | jq .status")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.find import find
    from koubou.cli.say import print_json
    from koubou.cli.shapes import whole_task_shape
    from koubou.cli.workshop import workshop_of

    workshop = workshop_of(arguments)
    with workshop.reading() as board:
        found = find(workshop, board, arguments.id)
        with board.picture():
            task = board.task(found.id) or found
            rest, runs, history = board.rest(task), board.runs(task), board.history(task)
    if arguments.json:
        print_json({**whole_task_shape(task, rest, runs, history), "folder": folder_of(workshop, task)})
    else:
        _print(workshop, task, rest, runs, history)
    return 0


def folder_of(workshop: Workshop, task: Task) -> str | None:
    """Where the task's files are; None before its first run."""
    import os

    from koubou.model.status import Status

    match task.status:
        case Status.COMPLETED:
            shelf = "completed"
        case Status.FAILED | Status.CANCELLED:
            shelf = "failed"
        case _:
            shelf = "in_progress"
    folder = workshop.layout.task_folder(shelf, task.id)
    return folder if os.path.isdir(folder) else None


def gone_of(rest: Rest) -> str | None:
    """What is no longer there of a task, and since when; None when all of it is."""
    from koubou.model.instant import iso

    if rest.purged_at is not None:
        return f"purged at {iso(rest.purged_at)}: only its id and what it cost are left"
    if rest.text_removed_at is not None:
        return f"text and answer at {iso(rest.text_removed_at)}, kept long enough: its id, history and cost are left"
    if rest.runs_removed_at is not None:
        return f"the records of its calls at {iso(rest.runs_removed_at)}, kept long enough: its answer is left"
    return None


def _print(workshop: Workshop, task: Task, rest: Rest, runs: Sequence[Run], history: Sequence[Line]) -> None:
    from koubou.cli import say
    from koubou.cli.table import print_table

    now = say.now()
    status = say.paint(task.status, say.STATUS_COLOURS.get(task.status))
    facts = [
        ("title", say.one_line(task.title)),
        ("status", status),
        ("parked", f"{task.park.reason}: {say.one_line(task.park.detail)}" if task.park else ""),
        ("until", say.when(task.park.until, now) if task.park and task.park.until else ""),
        ("tier", task.tier or ""),
        ("type", task.type),
        ("difficulty", task.difficulty or ""),
        ("sensitivity", task.sensitivity or ""),
        ("priority", str(task.priority)),
        ("session", task.session or ""),
        ("parent", rest.parent or ""),
        ("attempts", str(task.attempts)),
        ("cost", say.money(task.cost)),
        ("folder", folder_of(workshop, task) or ""),
    ]
    if rest.error:
        facts += [("error", f"{rest.error['class']}: {say.one_line(rest.error['message'])}")]
        facts += [("remedy", say.one_line(rest.error.get("remedy") or ""))]
    if (gone := gone_of(rest)) is not None:
        facts += [("removed", gone)]
    print(say.paint(task.id, "bold"))
    for name, value in facts:
        if value:
            print(f"  {name:<12}{value}")
    if runs:
        print()
        rows = [
            (str(run.number), run.tier, run.worker, say.when(run.started_at, now), _took(run), run.outcome or "at work")
            for run in runs
        ]
        print_table(("RUN", "TIER", "WORKER", "STARTED", "TOOK", "OUTCOME"), rows, right=("RUN", "TOOK"))
    print()
    print_table(("AT", "EVENT", "REASON"), [(say.when(line.at, now), line.event, line.reason) for line in history])


def _took(run: Run) -> str:
    from koubou.cli import say

    return say.lasting(run.ended_at - run.started_at) if run.started_at and run.ended_at else "–"
