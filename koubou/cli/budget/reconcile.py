"""koubou budget reconcile: the ledger corrected by what the provider says that it bills."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.board.reading import Reading
    from koubou.cli.budget.bill import Bill
    from koubou.model.account import Billed

_MOST = 20_000
"""Groups that one request to the master can hold."""
_READ = 50_000_001


def declare(parser: Parser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        help="the provider's export, or - for standard input: CSV or a JSON list with model, hour (ISO 8601 in UTC, or "
        "since 1970) and cost_usd; or pages of OpenAI's costs (group_by=line_item) or Anthropic's cost report "
        "(group_by[]=description)",
    )
    parser.add_argument("--format", choices=("csv", "json"), help="what it is, where its beginning does not show it")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou budget reconcile costs.csv --dry-run", "koubou budget reconcile costs.json")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.budget.bill import read_bill
    from koubou.cli.say import note, now
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    workshop = workshop_of(arguments)
    name = "standard input" if arguments.file == "-" else arguments.file
    bill = read_bill(_bytes(arguments.file), name, arguments.format, now())
    with workshop.reading() as board, board.picture():
        rows = _by_hour(bill, board)
        _refuse_what_is_too_much(rows, name)
        compared = _compared(rows, board) if arguments.dry_run or not rows else {}
    if bill.more:
        note(f"{name}: the provider has more pages of this report; what they bill is not compared")
    if any(charge.until > now() for charge in bill.charges):
        note(f"{name}: it goes up to now, and what the provider has not counted yet may come on top")
    if compared:
        return _tell(arguments, compared)
    wire = [{"model": row.model, "hour": row.hour, "amount": row.amount} for row in rows]
    source = os.path.basename(name)
    return _tell(arguments, ask(workshop.layout.run, "reconcile", source=source, rows=wire))


def _bytes(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_READ)
    with open(path, "rb") as file:
        return file.read(_READ)


def _by_hour(bill: Bill, board: Reading) -> list[Billed]:
    from koubou.rules.bill import by_hour

    return by_hour(bill.charges, board.reports.models(), board.reports.hours, board.reports.bookings)


def _refuse_what_is_too_much(rows: Sequence[Billed], name: str) -> None:
    from koubou.errors import BillError, Problem
    from koubou.model.money import RICHEST, THE_MOST

    if len(rows) > _MOST:
        raise BillError([Problem(message=f"has more than {_MOST:,} hours of models: export less at once", file=name)])
    if sum(row.amount for row in rows) > RICHEST:
        raise BillError([Problem(message=f"comes to more than {THE_MOST}", file=name)])


def _compared(rows: Sequence[Billed], board: Reading) -> dict[str, Any]:
    """What the master would answer."""
    from koubou.model.instant import HOUR
    from koubou.rules.reconcile import by_model, compare, reconciled

    comparisons = []
    for model, billed in by_model(rows).items():
        since, until = min(bill.hour for bill in billed), max(bill.hour for bill in billed) + HOUR
        spent, around = board.reports.hours(model, since, until), board.reports.bookings(model, since, until)
        comparisons.append(compare(billed, spent, around))
    return reconciled(comparisons)


def _tell(arguments: argparse.Namespace, answer: Mapping[str, Any]) -> int:
    from koubou.cli import exits
    from koubou.cli.say import note, print_json

    if arguments.json:
        print_json({**answer, "dry_run": arguments.dry_run})
    else:
        _print(answer, "would be" if arguments.dry_run else "was")
    if answer["under_way"]:
        calls = f"{answer['under_way']:,} {'call is' if answer['under_way'] == 1 else 'calls are'} under way"
        note(f"{calls}, known only by what is held: run it again when that has ended")
    if answer["alarm"]:
        note(f"ALARM: {answer['reason']}")
    return exits.FAILED if answer["alarm"] else exits.DONE


def _print(answer: Mapping[str, Any], tense: str) -> None:
    from koubou.cli.table import print_table
    from koubou.model.money import show_usd

    if not answer["groups"]:
        print("nothing billed")
        return
    differ = [group for group in answer["groups"] if group["added"]]
    if differ:
        heads = ("MODEL", "HOUR", "BILLED", "LEDGER", "ADDED")
        rows = [
            (
                group["model"],
                f"{group['hour'][:13]}:00Z",
                show_usd(group["billed"]),
                show_usd(group["ledger"]),
                _signed(group["added"]),
            )
            for group in differ
        ]
        print_table(heads, rows, right=heads[2:])
    agree = len(answer["groups"]) - len(differ)
    print(f"{agree:,} of {len(answer['groups']):,} hours need no correction; {_signed(answer['added'])} {tense} added")


def _signed(amount: int) -> str:
    from koubou.model.money import show_usd

    return f"{'+' if amount > 0 else '-' if amount < 0 else ''}{show_usd(abs(amount))}"
