"""koubou release: a named person says that a task is no secret."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("--as", dest="to", choices=("public", "internal"), required=True, help="what it is instead")
    parser.add_argument(
        "--reason", required=True, metavar="TEXT", help="why; kept in the task's history with your name"
    )
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples('koubou release fix-login-123 --as public --reason "the key in it is a sample"')


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.errors import UsageMistake
    from koubou.views.control import ask

    if not arguments.reason.strip():
        raise UsageMistake("--reason must say why")
    workshop = workshop_of(arguments)
    told = ask(workshop.layout.run, "release", id=arguments.id, to=arguments.to, reason=arguments.reason)
    unread = told.get("unread") or []
    if arguments.json:
        print_json({"id": arguments.id, "sensitivity": arguments.to, "unread": unread})
    elif unread:
        print(f"{arguments.id} is {arguments.to}; what it reads of {', '.join(unread)} may raise it again")
    else:
        print(f"{arguments.id} is {arguments.to} from now on")
    return 0
