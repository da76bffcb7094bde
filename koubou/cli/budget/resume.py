"""koubou budget resume: a person says that the workshop may go on."""

from __future__ import annotations

import argparse

from koubou.cli.budget.amounts import reason_of
from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("--reason", metavar="TEXT", help="why it may go on (needed); kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples('koubou budget resume --reason "limit raised with the team"')


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    reason = reason_of(arguments, "resume")
    done = ask(workshop_of(arguments).layout.run, "resume_budget", reason=reason)
    if arguments.json:
        print_json({"emergency": False, "resumed": done["resumed"]})
    elif done["resumed"]:
        print(f"the workshop goes on (ended: {', '.join(done['resumed'])})")
    else:
        print("nothing was stopped; what is paused, koubou resume ends (koubou status)")
    return 0
