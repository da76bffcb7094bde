"""koubou pause: begin nothing new in a tier, or anywhere; what is at work goes on."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("tier", metavar="TIER", nargs="?", help="only this tier (everything when not given)")
    parser.add_argument("--reason", metavar="TEXT", help="why; kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou pause", 'koubou pause gpt5_high --reason "the provider has trouble"')


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.say import print_json
    from koubou.cli.workshop import workshop_of
    from koubou.views.control import ask

    run_folder = workshop_of(arguments).layout.run
    done = ask(run_folder, "pause", tier=arguments.tier, reason=arguments.reason)
    if arguments.json:
        print_json(done)
    else:
        calls = f"{done['at_work']} call{'' if done['at_work'] == 1 else 's'}"
        print(f"paused: {done['paused']}; {calls} still at work; koubou resume {arguments.tier or ''}".rstrip())
    return 0
