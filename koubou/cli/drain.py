"""koubou drain: begin nothing new, and wait until nothing is at work; for a restart that cuts nothing."""

from __future__ import annotations

import argparse
import time

from koubou.cli.parser import Parser

_LOOK_EVERY = 0.2


def declare(parser: Parser) -> None:
    parser.add_argument(
        "--timeout", metavar="TIME", default="1h", help="wait so long at most (default: 1h); 0s = not at all"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; kept in the history")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou drain && systemctl restart koubou && koubou resume", "koubou drain --timeout 10m")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import say
    from koubou.cli.progress import progress
    from koubou.cli.workshop import workshop_of
    from koubou.documents.units import duration
    from koubou.errors import UsageMistake
    from koubou.views.control import ask

    try:
        patience = duration(arguments.timeout) / 1000
    except ValueError as error:
        raise UsageMistake(f"--timeout {error}") from None
    folder = workshop_of(arguments).layout.run
    at_work = ask(folder, "pause", reason=arguments.reason or "drain")["at_work"]
    deadline = time.monotonic() + patience
    told = None
    with progress("waiting until nothing is at work") as so_far:
        while at_work and time.monotonic() < deadline:
            so_far.says(f"{at_work} left")
            if told != at_work and not arguments.json:
                say.note(f"{at_work} call{'' if at_work == 1 else 's'} at work …")
                told = at_work
            time.sleep(_LOOK_EVERY)
            at_work = sum(tier["running"] for tier in ask(folder, "state")["tiers"].values())
    if arguments.json:
        say.print_json({"drained": not at_work, "at_work": at_work})
    elif at_work:
        print(f"{at_work} still at work after {arguments.timeout}; nothing new is begun; koubou resume ends the pause")
    else:
        print("nothing is at work, and nothing new is begun; koubou resume ends the pause")
    return 1 if at_work and patience else 0
