"""koubou log: the answer of a task's run, as far as it came."""

from __future__ import annotations

import argparse
import sys

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--run", type=int, metavar="N", help="which run; the last one when not given")
    parser.add_argument("--json", action="store_true", help="one JSON value: the text and the worker's record")
    parser.examples("koubou log fix-login-123", "koubou log fix-login-123 --run 1")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.answers import record_of, result_of_run, run_folder, text_of_run
    from koubou.cli.find import find
    from koubou.cli.say import note, print_json
    from koubou.cli.show import gone_of
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake

    workshop = workshop_of(arguments)
    with workshop.reading() as board:
        task = find(workshop, board, arguments.id)
        runs, rest = board.runs(task), board.rest(task)
    number = task.run if arguments.run is None else arguments.run
    if arguments.run is not None and number not in {run.number for run in runs}:
        raise UsageMistake(f"{task.id} has {len(runs)} runs; there is no run {number}")
    folder = run_folder(workshop, task.id, number) if number else None
    text = text_of_run(folder) if folder else None
    if text is None and rest.runs_removed_at is not None and number == task.run:
        text = record_of(workshop, task.id, task.status).get("answer")
    if arguments.json:
        record = result_of_run(folder) if folder else {}
        print_json({"task": task.id, "run": number or None, "folder": folder, "text": text, "record": record or None})
        return 0
    if text is None and (gone := gone_of(rest)) is not None:
        note(f"{task.id} is {task.status}; removed: {gone}")
        return 0
    if text is None:
        note(f"{task.id} is {task.status} and has no answer{f' of run {number}' if number else ' yet'}")
        return 0
    print_text(text)
    return 0


def print_text(text: str) -> None:
    """An answer: as it is for programs, without control characters for a terminal; ends with a newline."""
    from koubou.cli.say import clean

    shown = clean(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
