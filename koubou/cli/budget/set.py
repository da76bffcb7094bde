"""koubou budget set: a limit that holds in place of the settings, until it is set back."""

from __future__ import annotations

import argparse

from koubou.cli.budget.amounts import (
    DEFAULT,
    DIMENSIONS,
    amounts_of,
    declare_amounts,
    reason_of,
)
from koubou.cli.budget.scopes import scope_named
from koubou.cli.parser import Parser
from koubou.errors import UsageMistake


def declare(parser: Parser) -> None:
    parser.add_argument(
        "scope",
        metavar="SCOPE",
        help="month, day, weekend, session or task (every one of them), or one: session:NAME, task:ID, tier:NAME, "
        "model:NAME or submitter:USER (in a month)",
    )
    declare_amounts(parser)
    parser.add_argument(
        "--none",
        metavar="DIMENSION",
        nargs="?",
        const="usd",
        choices=DIMENSIONS,
        help=f"no limit of usd, or of {', '.join(DIMENSIONS[1:])}",
    )
    parser.add_argument(
        "--default",
        metavar="DIMENSION",
        nargs="?",
        const="usd",
        choices=DIMENSIONS,
        help="what the settings say again, of usd or of another dimension",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why (needed); kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON list: the master's answers")
    parser.examples(
        'koubou budget set month --usd 50 --reason "agreed with the team"',
        'koubou budget set tier:gpt5_high --usd 20 --calls 500 --reason "for careful use"',
        'koubou budget set submitter:1000 --tokens 2,000,000 --reason "a fair share"',
        'koubou budget set session:release-42 --none tokens --reason "it must be done today"',
        'koubou budget set month --default --reason "as agreed at first"',
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    wanted = _wanted(arguments)
    scope = scope_named(arguments.scope)
    reason = reason_of(arguments, "set")
    run_folder = workshop_of(arguments).layout.run
    answers = []
    for dimension, amount in wanted.items():
        answers.append(
            ask(
                run_folder,
                "budget_set",
                scope=scope,
                dimension=dimension,
                amount=amount,
                reason=reason,
            )
        )
        if not arguments.json:
            print(answers[-1]["message"])
    if arguments.json:
        print_json(answers)
    return 0


def _wanted(arguments: argparse.Namespace) -> dict[str, int | str | None]:
    """What each dimension is to be: an amount, None for no limit, or DEFAULT."""
    wanted: dict[str, int | str | None] = {**amounts_of(arguments)}
    for dimension, meaning in ((arguments.none, None), (arguments.default, DEFAULT)):
        if dimension is not None:
            if dimension in wanted:
                raise UsageMistake(f"{dimension} is given twice")
            wanted[dimension] = meaning
    if not wanted:
        raise UsageMistake("set what? --usd 50, --tokens 100000, --none, --default …\nTry: koubou budget set --help")
    return wanted
