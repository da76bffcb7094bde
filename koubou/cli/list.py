"""koubou list: which tasks there are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from koubou.cli.filters import declare_filters, filter_of
from koubou.cli.parser import Parser
from koubou.model.instant import Instant
from koubou.model.task import Task

_A_SCREENFUL = 40


def declare(parser: Parser) -> None:
    declare_filters(parser)
    parser.add_argument(
        "--limit", type=int, metavar="N", help=f"so many at most, 0 = all ({_A_SCREENFUL}; all with --json)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON list")
    parser.examples(
        "koubou list --status failed --since 1d",
        "koubou list --park budget",
        "koubou list --session release-42 --json | jq -r '.[].id'",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.board.reading import ALL
    from koubou.board.shapes import task_shape
    from koubou.cli import say
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake
    from koubou.views.looking import reading

    now = say.now()
    wanted = filter_of(arguments, now)
    limit = arguments.limit if arguments.limit is not None else (0 if arguments.json else _A_SCREENFUL)
    if limit < 0:
        raise UsageMistake("--limit takes a number of tasks, 0 for all")
    instead = "koubou show ID tells"
    with reading(workshop_of(arguments), "list", instead) as board, board.picture():
        tasks = board.tasks(wanted, limit or ALL)
        more = board.how_many(wanted) - len(tasks) if limit and len(tasks) == limit else 0
    if arguments.json:
        say.print_json([task_shape(task) for task in tasks])
        return 0
    print_tasks(tasks, now)
    if more:
        say.note(f"and {more:,} more; --limit 0 shows all")
    return 0


def print_tasks(tasks: Sequence[Task], now: Instant) -> None:
    """A table of tasks for people."""
    from koubou.cli import say
    from koubou.cli.table import print_table

    if not tasks:
        print("No tasks.")
        return
    rows = [
        (
            task.id,
            "parked" if task.park else f"{task.status}, {task.rated}" if task.rated else task.status,
            task.tier or "–",
            task.type,
            say.lasting(now - task.created_at),
            say.money(task.cost) if task.cost else "–",
            f"{task.park.reason}: {task.park.detail}" if task.park else task.title,
        )
        for task in tasks
    ]
    print_table(("ID", "STATUS", "TIER", "TYPE", "AGE", "COST", "ABOUT"), rows, right=("AGE", "COST"))
