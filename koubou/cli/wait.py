"""koubou wait: the exit code is the tasks' verdict."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.filters import seconds
from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.model.status import Status

_TAKEN_IN_WITHIN = 10.0
"""Seconds for a file that lies in the drop folder: who waits for its task has the time."""


def declare(parser: Parser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="+", help="the tasks")
    parser.add_argument("--timeout", type=seconds, metavar="TIME", help="for so long at most (90s, 30m); then exit 75")
    parser.add_argument("--json", action="store_true", help="one JSON list, when all have ended")
    parser.examples("koubou wait fix-login-123 && echo done", "koubou wait a b c --timeout 10m")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits
    from koubou.cli.say import paint, print_json
    from koubou.cli.waiting import FOREVER, ended
    from koubou.cli.watching import watching
    from koubou.cli.workshop import workshop_of
    from koubou.model.status import Status
    from koubou.views.find import found
    from koubou.views.looking import looking

    def tell(task_id: str, status: Status) -> None:
        if not arguments.json:
            colour = "green" if status is Status.COMPLETED else "red"
            print(f"{task_id} {paint(status, colour)}", flush=True)

    workshop, asked = workshop_of(arguments), arguments.ids
    timeout = FOREVER if arguments.timeout is None else arguments.timeout
    with looking(workshop) as look:
        ids = [found(workshop, look.name, task_id, look.among, min(timeout, _TAKEN_IN_WITHIN)) for task_id in asked]
    with watching(workshop) as watch:
        verdicts = ended(watch, ids, timeout, tell)
    if arguments.json:
        print_json([{"id": task_id, "task": task_id, "status": status} for task_id, status in verdicts.items()])
    if any(status is not Status.COMPLETED for status in verdicts.values()):
        return exits.FAILED
    if len(verdicts) < len(set(ids)):
        return exits.TIMED_OUT
    return exits.DONE
