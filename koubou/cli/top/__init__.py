"""koubou top: the workshop on one screen, live, with keys to act on it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.views.workshop import Workshop

_THEMES = ("auto", "dark", "light")


def declare(parser: Parser) -> None:
    parser.add_argument("--once", action="store_true", help="print one screen as text, and end")
    parser.add_argument("--filter", metavar="WORDS", default="", help="begin with only these tasks, as after /")
    parser.add_argument("--theme", choices=_THEMES, default="auto", help="for a dark or a light terminal (auto)")
    parser.examples("koubou top", "koubou top --filter 'failed gpt5_high'", "koubou top --once | less")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.top.words import phrases
    from koubou.cli.workshop import workshop_of

    workshop, say = workshop_of(arguments), phrases()
    if arguments.once:
        from koubou.cli.top.once import print_once

        print_once(workshop, arguments.filter, say)
        return 0
    _see_that_it_can_be_shown(workshop)
    from koubou.cli.top.app import TopApp

    TopApp(workshop, say, words=arguments.filter, theme=arguments.theme).run()
    return 0


def _see_that_it_can_be_shown(workshop: Workshop) -> None:
    """Raises UsageMistake where there is no terminal or no Textual, and NotAllowed for who may not read the board."""
    import importlib.util
    import sys

    from koubou.errors import UsageMistake
    from koubou.views.looking import reading

    if importlib.util.find_spec("textual") is None:
        raise UsageMistake(
            "koubou top needs Textual, which is not installed: pip install 'koubou[top]', or scripts/install in a "
            "checkout; koubou top --once prints one screen without it"
        )
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageMistake("koubou top needs a terminal; koubou top --once prints one screen")
    with reading(workshop, "top", "koubou show ID tells"):
        pass
