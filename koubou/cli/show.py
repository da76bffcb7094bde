"""koubou show: one task with its history."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koubou.model.instant import Instant


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou show fix-login-123", "koubou show fix-login-123 --json | jq .status")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.find import found
    from koubou.views.looking import looking
    from koubou.views.show import waits_for_place, whole
    from koubou.views.status import said_by_master

    workshop = workshop_of(arguments)
    with looking(workshop) as look:
        task = found(workshop, look.show, arguments.id, look.among)
    task = whole(workshop, task, said_by_master(workshop) if waits_for_place(task) else {})
    if arguments.json:
        print_json(task)
    else:
        _print(task)
    return 0


def _print(task: Mapping[str, Any]) -> None:
    from koubou.cli import say
    from koubou.cli.table import print_table
    from koubou.views.show import gone_of

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
