"""koubou budget report: what was spent in a time, by what it was spent on; as a table, as data, or as a picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koubou.board.reports import Sum
    from koubou.views.span import Span

_NONE = "–"
_PER_CENT = 100


def declare(parser: Parser) -> None:
    parser.add_argument("--month", metavar="YYYY-MM", help="of this month; the present one when no time is given")
    parser.add_argument("--since", metavar="TIME", help="from a day (2026-11-01), a time, or an age (2h, 7d) on")
    parser.add_argument("--until", metavar="TIME", help="through a day, or before a time; now when not given")
    parser.add_argument(
        "--by",
        choices=("operation", "tier", "model", "task", "session", "submitter", "day", "backend"),
        default="operation",
        help="what a line is about; operation if not said; backend: how the runs of each executor did",
    )
    parser.add_argument("--format", choices=("table", "json", "csv"), help="table if not said")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--plot", metavar="FILE", help="also draw the cost per day, by tier, as .png or .svg")
    parser.examples(
        "koubou budget report",
        "koubou budget report --month 2026-10 --by model --format csv > october.csv",
        "koubou budget report --since 7d --by day --plot week.png",
        "koubou budget report --since 30d --by backend       success rate, cost and time of each executor",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits, say
    from koubou.cli.progress import progress
    from koubou.cli.workshop import workshop_of
    from koubou.views.report import sums_of, sums_shape
    from koubou.views.span import span_of

    shape = _format(arguments)
    workshop = workshop_of(arguments)
    zone = workshop.timezone
    span = span_of(say.now(), zone, month=arguments.month, since=arguments.since, until=arguments.until)
    if arguments.plot:
        from koubou.cli.budget.plot import NoPlotting, check

        try:
            check(arguments.plot)
        except NoPlotting as reason:
            say.note(str(reason))
            return exits.NO_MASTER
    with progress("adding up the ledger"), workshop.reading() as board, board.picture():
        backends = board.reports.backends(span.since, span.until) if arguments.by == "backend" else []
        sums = [] if arguments.by == "backend" else sums_of(board, arguments.by, span, zone)
        wants_days = arguments.plot or arguments.by == "day"
        days = board.reports.days(span.since, span.until, zone) if wants_days else {}
        accounts = board.accounts() if arguments.plot else []
    if arguments.by == "backend":
        from koubou.cli.budget.backends import print_backends

        print_backends(shape, backends, span)
    elif shape == "json":
        say.print_json(sums_shape(arguments.by, sums, span, days))
    else:
        _PRINT[shape](arguments.by, sums, span)
    if arguments.plot:
        from koubou.cli.budget.plot import Picture, draw

        picture = Picture(days=days, first=span.first, last=span.last, accounts=accounts, zone=str(zone))
        try:
            draw(picture, arguments.plot)
        except OSError as error:
            say.note(f"{arguments.plot}: the picture cannot be written: {error.strerror or error}")
            return exits.CANNOT_CREATE
        say.note(f"drawn: {arguments.plot}")
    return exits.DONE


def _format(arguments: argparse.Namespace) -> str:
    from koubou.errors import UsageMistake

    wanted: str = arguments.format or ("json" if arguments.json else "table")
    if arguments.json and wanted != "json":
        raise UsageMistake(f"either --json or --format {wanted}")
    return wanted


def _print_table(by: str, sums: Sequence[Sum], span: Span) -> None:
    from koubou.board.reports import total
    from koubou.cli.say import money, paint
    from koubou.cli.table import print_table
    from koubou.views.report import tokens

    print(f"{paint(span.told, 'bold')}\n")
    whole = total(sums, "total")
    heads = (by.upper(), "CALLS", "INPUT", "CACHED", "WRITTEN", "OUTPUT", "REASONING", "COST", "UNRECONCILED", "SHARE")
    rows = [
        (
            _NONE if each.key is None else str(each.key),
            *(f"{count:,}" for count in tokens(each)),
            money(each.cost),
            money(each.unreconciled) if each.unreconciled else _NONE,
            _NONE if whole.cost <= 0 else f"{each.cost / whole.cost * _PER_CENT:.1f} %",
        )
        for each in (*sums, whole)
    ]
    print_table(heads, rows, right=heads[1:])


def _print_csv(by: str, sums: Sequence[Sum], span: Span) -> None:
    """One line a row, no totals: whoever adds up a column must not count twice. Money in whole nano-dollars as well."""
    import csv
    import sys

    from koubou.board.reports import total
    from koubou.views.report import amounts

    del span
    whole = total(sums)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow([by, *amounts(whole, whole)])
    rows.writerows(["" if each.key is None else each.key, *amounts(each, whole).values()] for each in sums)


_PRINT = {"table": _print_table, "csv": _print_csv}
