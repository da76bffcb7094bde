"""What cancel, finish and retry share: tasks by id, or by the filters of list with a preview."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from koubou.cli.filters import declare_filters
from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.board.filter import Filter
    from koubou.model.status import Status
    from koubou.model.task import Task
    from koubou.views.workshop import Workshop


def declare_change(parser: Parser) -> None:
    """Ids, or the filters of list; --yes for what a filter finds."""
    parser.add_argument("ids", metavar="ID", nargs="*", help="the tasks; or filters, as of list")
    declare_filters(parser)
    parser.add_argument("--yes", action="store_true", help="with filters: do it, without asking")
    parser.add_argument("--json", action="store_true", help="one JSON list: what was done to each")


def change(arguments: argparse.Namespace, verb: str, past: str | None, among: Sequence[Status]) -> int:
    """Ask the master to do it to each task; FAILED where it could not be done to one.

    `among` are the statuses that filters mean when they name none. Raises NoMaster, UnknownTask, UsageMistake.
    """
    from koubou.cli.filters import filter_of
    from koubou.cli.progress import progress
    from koubou.cli.say import now
    from koubou.cli.workshop import workshop_of
    from koubou.errors import NoMaster, UsageMistake
    from koubou.views.control import ask_for_each

    wanted = filter_of(arguments, now())
    if bool(arguments.ids) == wanted.narrows:
        raise UsageMistake(f"{verb} takes ids, or filters\nTry: koubou {verb} --help")
    workshop = workshop_of(arguments)
    if not workshop.served:
        raise NoMaster(f"nobody serves {workshop.layout.home}; start it: koubou serve")
    ids = named(workshop, arguments.ids) if arguments.ids else _found(arguments, workshop, verb, wanted, among)
    with progress(f"asking the master to {verb} {len(ids):,} tasks"):
        results = ask_for_each(workshop.layout.run, verb, ids) if ids else []
    return tell_each(results, arguments.json, past)


def named(workshop: Workshop, ids: Sequence[str]) -> list[str]:
    """These tasks, each once, as the board spells them. Raises UnknownTask."""
    from koubou.views.find import find

    each_once = list(dict.fromkeys(ids))
    try:
        with workshop.reading() as board:
            return [find(workshop, board, task_id).id for task_id in each_once]
    except PermissionError:
        return each_once  # who may not read the board may still change his own tasks


def tell_each(results: Sequence[Mapping[str, Any]], as_json: bool, past: str | None) -> int:
    """Say of each task what was done to it, in the master's own words where `past` is None; the exit status."""
    from koubou.cli import exits
    from koubou.cli.say import note, print_json

    if as_json:
        print_json(results)
    else:
        for result in results:
            if result["ok"]:
                print(f"{result['id']} {past or result['message']}")
            else:
                note(f"{result['id']}: {result['message']}")
    return exits.DONE if all(result["ok"] for result in results) else exits.FAILED


def _found(
    arguments: argparse.Namespace, workshop: Workshop, verb: str, wanted: Filter, among: Sequence[Status]
) -> list[str]:
    """Ids of what the filters find, once a person agreed."""
    from msgspec.structs import replace

    if not wanted.status:
        wanted = replace(wanted, status=[str(status) for status in among])
    with workshop.reading() as board:
        tasks = board.tasks(wanted)
    return [task.id for task in tasks] if arguments.yes or _agreed(tasks, verb, arguments.json) else []


def _agreed(tasks: Sequence[Task], verb: str, as_json: bool) -> bool:
    """Show which tasks are meant, and ask where somebody is there to answer."""
    from koubou.cli.list import print_tasks
    from koubou.cli.say import note, now

    if not as_json:
        print_tasks(tasks, now())
    if not tasks:
        return False
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        note(f"nothing was done; add --yes to {verb} {'this task' if len(tasks) == 1 else f'these {len(tasks)} tasks'}")
        return False
    try:
        return input(f"{verb} {len(tasks)} of them? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
