"""koubou report: what was done in a time, how well, what it cost, and what was saved."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.cli.report.figures import Figures

_BY = ("type", "tier", "session", "submitter")


def declare(parser: Parser) -> None:
    parser.add_argument("--month", metavar="YYYY-MM", help="of this month; the present one when no time is given")
    parser.add_argument("--since", metavar="TIME", help="from a day (2026-11-01), a time, or an age (2h, 7d) on")
    parser.add_argument("--until", metavar="TIME", help="through a day, or before a time; now when not given")
    parser.add_argument("--by", choices=_BY, default="type", help="what a line is about; type if not said")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON value")
    shape.add_argument("--csv", action="store_true", help="a line for each type, tier, session or submitter")
    shape.add_argument("--html", metavar="FILE", help="one page with charts, whole in itself, for a browser or paper")
    parser.examples(
        "koubou report",
        "koubou report --month 2026-10 --by tier --csv > october.csv",
        "koubou report --since 7d --html week.html",
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import exits, say
    from koubou.cli.report.figures import figures_of
    from koubou.cli.workshop import workshop_of
    from koubou.views.looking import reading
    from koubou.views.span import span_of

    workshop = workshop_of(arguments)
    span = span_of(say.now(), workshop.timezone, month=arguments.month, since=arguments.since, until=arguments.until)
    with reading(workshop, "report", "koubou show ID tells") as board:
        figures = figures_of(board, workshop.settings, span, arguments.by, workshop.timezone)
    if arguments.html is None:
        _print(figures, as_json=arguments.json, as_csv=arguments.csv)
        return exits.DONE
    from koubou.cli.report.page import page

    try:
        with open(arguments.html, "w", encoding="utf-8", newline="\n") as file:
            file.write(page(figures))
    except OSError as error:
        say.note(f"{arguments.html}: the page cannot be written: {error.strerror or error}")
        return exits.CANNOT_CREATE
    say.note(f"written: {arguments.html}")
    return exits.DONE


def _print(figures: Figures, *, as_json: bool, as_csv: bool) -> None:
    from koubou.cli.report import shapes

    if as_json:
        from koubou.cli.say import print_json

        print_json(shapes.as_json(figures))
    elif as_csv:
        shapes.print_csv(figures)
    else:
        shapes.print_tables(figures)
