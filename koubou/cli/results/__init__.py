"""koubou results: the answers of many tasks at once, as lines of JSON or as a table."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.filters import seconds
from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.board.filter import Filter
    from koubou.views.workshop import Workshop


def declare(parser: Parser) -> None:
    from koubou.cli.submit import declare_rows, declare_wishes

    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl if not said")
    parser.add_argument("--status", metavar="STATUS", help="only those with this status, such as completed, or a,b")
    parser.add_argument("--since", metavar="AGE", help="dropped within this time (30m, 2h, 7d), or since a time")
    parser.add_argument("--older", metavar="AGE", help="dropped longer ago than this, or before a time")
    parser.add_argument("--wait", action="store_true", help="wait until all of them have ended; the exit code tells")
    parser.add_argument(
        "--timeout", type=seconds, metavar="TIME", help="with --wait: for so long at most; then exit 75"
    )
    parser.add_argument(
        "--spreadsheet", action="store_true", help="csv: mark cells that a spreadsheet would take for a formula with '"
    )
    declare_rows(parser)
    declare_wishes(parser)
    parser.examples(
        "koubou results --session invoices --wait > answers.jsonl",
        "koubou results --from invoices.csv --template ask.yaml --session invoices --format csv > answers.csv",
        "koubou results --status failed --since 1d | jq -r '.error_class'",
    )
    parser.description = (
        "The answers of many tasks at once, in the order in which they came, or with --from in the order of the rows. "
        "With --from give the options with which the rows were submitted: they say which tasks are meant; without it "
        "--session, --type and --tier do."
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.results.writing import write
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake

    if arguments.spreadsheet and arguments.format != "csv":
        raise UsageMistake("--spreadsheet goes with --format csv")
    workshop = workshop_of(arguments)
    if arguments.rows is None:
        from koubou.cli.results.selected import Selected

        with Selected(workshop, _filter(arguments)) as selected:
            code = selected.wait(_timeout(arguments)) if arguments.wait else 0
            write(selected.columns(), selected.records(), arguments.format, spreadsheet=arguments.spreadsheet)
        return code
    return _of_rows(arguments, workshop)


def _of_rows(arguments: argparse.Namespace, workshop: Workshop) -> int:
    from koubou.cli.results.rows import OfRows
    from koubou.cli.results.writing import write
    from koubou.cli.rows.plan import plan_of
    from koubou.cli.submit import wishes_of
    from koubou.errors import UsageMistake

    if arguments.since or arguments.older:
        raise UsageMistake("with --from the rows say which tasks are meant: leave out --since and --older")
    of_rows = OfRows(workshop, plan_of(arguments, wishes_of(arguments)), _statuses(arguments))
    code = of_rows.wait(_timeout(arguments)) if arguments.wait else 0
    write(of_rows.columns(), of_rows.records(), arguments.format, spreadsheet=arguments.spreadsheet)
    return code


def _timeout(arguments: argparse.Namespace) -> float:
    from koubou.cli.waiting import FOREVER

    return FOREVER if arguments.timeout is None else float(arguments.timeout)


def _filter(arguments: argparse.Namespace) -> Filter:
    from koubou.board.filter import Filter
    from koubou.cli import say
    from koubou.errors import UsageMistake
    from koubou.views.ages import time_of

    others = ("id", "title", "priority", "difficulty", "sensitivity", "template", "id_column")
    for option in others:
        if getattr(arguments, option):
            raise UsageMistake(f"--{option.replace('_', '-')} goes with --from")
    now = say.now()
    return Filter(
        status=_statuses(arguments),
        tier=(arguments.tier,) if arguments.tier else (),
        type=(arguments.type,) if arguments.type else (),
        session=arguments.session,
        since=time_of("--since", arguments.since, now),
        older=time_of("--older", arguments.older, now),
    )


def _statuses(arguments: argparse.Namespace) -> tuple[str, ...]:
    from koubou.errors import UsageMistake
    from koubou.model.status import Status

    wanted = tuple(word for word in (arguments.status or "").split(",") if word)
    known = [str(status) for status in Status]
    for word in wanted:
        if word not in known:
            raise UsageMistake(f'--status: "{word}" is not one of {", ".join(known)}')
    return wanted
