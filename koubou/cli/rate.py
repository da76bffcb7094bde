"""koubou rate: say whether the answer of a completed task is good; like tasks are sent by it."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="the task; it must be completed")
    parser.add_argument("rating", choices=("good", "bad"), help="what the answer is; said again, the last word counts")
    parser.add_argument("--json", action="store_true", help="one JSON list: what was done to it")
    parser.examples("koubou rate fix-login-123 good", "koubou rate fix-login-123 bad --json")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.change import named, tell_each
    from koubou.cli.workshop import workshop_of
    from koubou.errors import NoMaster
    from koubou.views.control import ask

    workshop = workshop_of(arguments)
    if not workshop.served:
        raise NoMaster(f"nobody serves {workshop.layout.home}; start it: koubou serve")
    ids = named(workshop, [arguments.id])
    results = ask(workshop.layout.run, "rate", ids=ids, rating=arguments.rating)["results"]
    return tell_each(results, arguments.json, f"is rated {arguments.rating}")
