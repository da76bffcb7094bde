"""koubou serve: the master runs here until it is told to stop."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.examples(
        "koubou serve                              (Ctrl-C lets calls finish and ends; twice ends at once)",
        "koubou serve --config ./koubou.yaml --set home=$PWD/workshop",
        'The journal line with "event": "system.ready" says that dropped files are being taken.',
    )


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli.workshop import config_file, overrides
    from koubou.master.main import serve

    return serve(config_file(arguments), overrides(arguments))
