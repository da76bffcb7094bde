"""koubou budget add: more for one account, this once."""

from __future__ import annotations

import argparse

from koubou.cli.budget.amounts import amounts_of, declare_amounts
from koubou.cli.budget.scopes import account_named
from koubou.cli.parser import Parser
from koubou.errors import UsageMistake


def declare(parser: Parser) -> None:
    parser.add_argument(
        "account",
        metavar="ACCOUNT",
        help="a task's id, or month or day (the present ones), session:NAME, task:ID; or a name as of budget status",
    )
    declare_amounts(parser)
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON list: the master's answers")
    parser.examples(
        "koubou budget add fix-login-123 --usd 0.50 --tokens 20000",
        'koubou budget add day --usd 10 --reason "the release is today"',
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    amounts = amounts_of(arguments)
    if not any(amounts.values()):
        raise UsageMistake("add how much? --usd 0.50, --tokens 20000 …\nTry: koubou budget add --help")
    account = account_named(arguments.account)
    run_folder = workshop_of(arguments).layout.run
    answers = []
    for dimension, amount in amounts.items():
        answers.append(
            ask(
                run_folder,
                "budget_add",
                account=account,
                dimension=dimension,
                amount=amount,
                reason=arguments.reason.strip(),
            )
        )
        if not arguments.json:
            print(answers[-1]["message"])
    if arguments.json:
        print_json(answers)
    return 0
