"""koubou budget: how the accounts stand; and the end of an emergency stop."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("what", choices=("status", "resume"), nargs="?", default="status", help="status when not given")
    parser.add_argument("--reason", metavar="TEXT", help="with resume: why it may go on; kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou budget status", 'koubou budget resume --reason "limit raised with the team"')


def run(arguments: argparse.Namespace) -> int:
    return _resume(arguments) if arguments.what == "resume" else _status(arguments)


def _status(arguments: argparse.Namespace) -> int:
    from koubou.cli import say
    from koubou.cli.shapes import account_shape
    from koubou.cli.table import print_table
    from koubou.cli.workshop import workshop_of

    with workshop_of(arguments).reading() as board, board.picture():
        accounts, latches = board.accounts(), board.latches()
    emergency = "emergency" in latches
    if arguments.json:
        say.print_json({"accounts": [account_shape(account) for account in accounts], "emergency": emergency})
        return 0
    if emergency:
        print(say.paint(f"STOPPED  {say.one_line(latches['emergency'])}  (koubou budget resume --reason …)", "red"))
    heads = ("ACCOUNT", "LIMIT", "SETTLED", "HELD", "LEFT", "UNRECONCILED")
    rows = []
    for account in accounts:
        amounts = (account.limit, account.settled, account.held, account.left, account.unreconciled)
        usd = account.dimension == "usd"
        shown = [say.money(each) if usd else "no limit" if each is None else f"{each:,}" for each in amounts]
        rows.append((account.name if usd else f"{account.name} ({account.dimension})", *shown))
    print_table(heads, rows, right=heads[1:])
    return 0


def _resume(arguments: argparse.Namespace) -> int:
    from koubou.cli.control import ask
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake

    if not (arguments.reason or "").strip():
        raise UsageMistake("budget resume needs --reason: it is kept in the history")
    ask(workshop_of(arguments).layout.run, "resume_budget", reason=arguments.reason)
    if arguments.json:
        print_json({"emergency": False})
    else:
        print("the workshop goes on")
    return 0
