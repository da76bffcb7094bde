"""koubou resume: let go on what was paused, or a tier that was set aside for its key or credit."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument(
        "tier", metavar="TIER", nargs="?", help="only this tier (what `pause` alone stopped, if not given)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou resume", "koubou resume gpt5_high")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    done = ask(workshop_of(arguments).layout.run, "resume", tier=arguments.tier)
    if arguments.json:
        print_json(done)
    elif done["resumed"]:
        print(f"{arguments.tier or 'the workshop'} goes on")
    else:
        print(f"{arguments.tier or 'the workshop'} was not paused; koubou status says what is stopped")
    return 0
