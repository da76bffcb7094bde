"""koubou show: one task with its history."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koubou.cli.workshop import Workshop
    from koubou.model.instant import Instant
    from koubou.model.status import Status


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou show fix-login-123", "koubou show fix-login-123 --json | jq .status")


def run(arguments: argparse.Namespace) -> int:
    from koubou.board.shapes import park_shape
    from koubou.cli.find import found
    from koubou.cli.looking import looking
    from koubou.cli.queueing import opens_at, park_of_rate
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.model.status import Status, Waiting

    workshop = workshop_of(arguments)
    with looking(workshop) as look:
        task = found(workshop, look.show, arguments.id, look.among)
    if task["park"] is None and task["waiting"] == Waiting.ADMIT:
        task["park"] = park_shape(park_of_rate(task["tier"], opens_at(workshop, task["tier"])))
    task["folder"] = folder_of(workshop, task["id"], Status(task["status"]))
    if arguments.json:
        print_json(task)
    else:
        _print(task)
    return 0


def folder_of(workshop: Workshop, task_id: str, status: Status) -> str | None:
    """Where the task's files are; None before its first run."""
    import os

    from koubou.model.status import Status

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


def _print(task: Mapping[str, Any]) -> None:
    from koubou.cli import say
    from koubou.cli.table import print_table

    now, park, error = say.now(), task["park"], task["error"]
    facts = [
        ("title", say.one_line(task["title"])),
        ("status", say.paint(task["status"], say.STATUS_COLOURS.get(task["status"]))),
        ("parked", f"{park['reason']}: {say.one_line(park['detail'])}" if park else ""),
        ("until", say.when(_at(park["until"]), now) if park and park["until"] else ""),
        *((name, task[name] or "") for name in ("tier", "type", "difficulty", "sensitivity")),
        ("priority", str(task["priority"])),
        *((name, task[name] or "") for name in ("session", "parent")),
        ("attempts", str(task["attempts"])),
        ("rated", task["rated"] or ""),
        ("cost", say.money(task["cost_nusd"])),
        ("folder", task["folder"] or ""),
    ]
    if error:
        facts += [("error", f"{error['class']}: {say.one_line(error['message'])}")]
        facts += [("remedy", say.one_line(error.get("remedy") or ""))]
    if (gone := gone_of(task["removed"])) is not None:
        facts += [("removed", gone)]
    print(say.paint(task["id"], "bold"))
    for name, value in facts:
        if value:
            print(f"  {name:<12}{value}")
    if task["runs"]:
        print()
        print_table(
            ("RUN", "TIER", "WORKER", "STARTED", "TOOK", "OUTCOME"),
            [_row(run, now) for run in task["runs"]],
            right=("RUN", "TOOK"),
        )
    print()
    rows = [(say.when(_at(line["at"]), now), line["event"], line["reason"]) for line in task["history"]]
    print_table(("AT", "EVENT", "REASON"), rows)


def _row(run: Mapping[str, Any], now: Instant) -> tuple[str, ...]:
    from koubou.cli import say

    started, ended = _at(run["started_at"]), _at(run["ended_at"])
    took = say.lasting(ended - started) if started and ended else "–"
    outcome = run["outcome"] or "at work"
    if run["calls"]:
        outcome += f" ({run['calls']} calls, {run['commands']} commands, {run['file_edits']} edits)"
    return str(run["run"]), run["tier"], run["worker"], say.when(started, now), took, outcome


def _at(told: str | None) -> Instant | None:
    """The instant that a shape tells."""
    from datetime import datetime

    from koubou.model.instant import instant

    return None if told is None else instant(datetime.fromisoformat(told))
