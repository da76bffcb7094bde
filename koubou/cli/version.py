"""koubou version."""

from __future__ import annotations

import argparse

from koubou import __version__
from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON value")


def run(arguments: argparse.Namespace) -> int:
    if arguments.json:
        from koubou.cli.say import print_json

        print_json({"version": __version__})
    else:
        print(f"koubou {__version__}")
    return 0
