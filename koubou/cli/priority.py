"""koubou priority: make a task that waits more urgent, or less."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task")
    parser.add_argument("level", metavar="LEVEL", help="urgent, high, normal, low or background, or 1 to 10 (10 first)")
    parser.add_argument("--json", action="store_true", help="one JSON list: what was done")
    parser.examples("koubou priority fix-login-123 urgent", "koubou priority fix-login-123 3")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.change import named, tell_each
    from koubou.cli.workshop import workshop_of
    from koubou.errors import NoMaster
    from koubou.views.control import ask

    workshop = workshop_of(arguments)
    if not workshop.served:
        raise NoMaster(f"nobody serves {workshop.layout.home}; start it: koubou serve")
    level = int(arguments.level) if arguments.level.isdecimal() else arguments.level
    reply = ask(workshop.layout.run, "priority", ids=named(workshop, [arguments.id]), level=level)
    return tell_each(reply["results"], arguments.json, f"has priority {arguments.level}")
