"""koubou budget reset: an account begins anew; the ledger keeps every line."""

from __future__ import annotations

import argparse

from koubou.cli.budget.amounts import reason_of
from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument(
        "scope",
        metavar="SCOPE",
        help="month or day (the present ones), session:NAME, task:ID, tier:NAME, model:NAME or submitter:USER",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why (needed); kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON value: the master's answer")
    parser.examples(
        'koubou budget reset month --reason "the bill of the first half was paid by another department"',
        'koubou budget reset session:release-42 --reason "a second round"',
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.budget.scopes import account_named
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    reason = reason_of(arguments, "reset")
    scope = account_named(arguments.scope)
    answer = ask(workshop_of(arguments).layout.run, "budget_reset", scope=scope, reason=reason)
    if arguments.json:
        print_json(answer)
    else:
        print(f"{answer['message']}; the ledger and its reports stay whole")
    return 0
