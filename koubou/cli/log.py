"""koubou log: the answer of a task's run, as far as it came; or what its agent said, event by event."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koubou.views.workshop import Workshop


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--run", type=int, metavar="N", help="which run; the last one when not given")
    parser.add_argument("--events", action="store_true", help="what its agent told, an event a line, as far as it came")
    parser.add_argument(
        "--json", action="store_true", help="one JSON value: the text and the worker's record; of events the lines"
    )
    parser.examples(
        "koubou log fix-login-123", "koubou log fix-login-123 --run 1", "koubou log fix-login-123 --events --json"
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import note, print_json
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake
    from koubou.views.find import found
    from koubou.views.log import answering, written
    from koubou.views.looking import looking
    from koubou.views.show import gone_of

    workshop = workshop_of(arguments)
    with looking(workshop) as look:
        task = found(workshop, look.show, arguments.id, look.among)
    number = answering(task) if arguments.run is None else arguments.run
    if arguments.run is not None and number not in {run["run"] for run in task["runs"]}:
        runs = "one run" if len(task["runs"]) == 1 else f"{len(task['runs'])} runs"
        raise UsageMistake(f"{task['id']} has {runs}; there is no run {number}")
    if arguments.events:
        return _events(workshop, task, number, as_json=arguments.json)
    folder, text, record = written(workshop, task, number)
    if arguments.json:
        print_json({"task": task["id"], "run": number, "folder": folder, "text": text, "record": record})
        return 0
    if text is not None:
        print_text(text)
    elif (gone := gone_of(task["removed"])) is not None:
        note(f"{task['id']} is {task['status']}; removed: {gone}")
    else:
        note(f"{task['id']} is {task['status']} and has no answer{f' of run {number}' if number else ' yet'}")
    return 0


def _events(workshop: Workshop, task: Mapping[str, Any], number: int | None, *, as_json: bool) -> int:
    """What the agent of a run told. Raises NotAllowed where the caller may not read it."""
    from koubou.cli.agent_log import print_events
    from koubou.cli.say import note
    from koubou.errors import NotAllowed
    from koubou.views.answers import run_folder
    from koubou.views.log import not_for_you
    from koubou.views.show import gone_of

    folder = run_folder(workshop, task["id"], number) if number else None
    try:
        if folder is not None and print_events(folder, as_json=as_json):
            return 0
    except PermissionError:
        raise NotAllowed(not_for_you(task, number)) from None
    gone = gone_of(task["removed"])
    note(f"{task['id']} has no events{f' of run {number}' if number else ''}{f'; removed: {gone}' if gone else ''}")
    return 0


def print_text(text: str) -> None:
    """An answer: as it is for programs, without control characters for a terminal; ends with a newline."""
    from koubou.cli.say import clean

    shown = clean(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
