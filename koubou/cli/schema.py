"""koubou schema: what an editor needs to help with task files."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="as always: the schema is JSON")
    parser.examples(
        "koubou schema > ~/.config/koubou-task.schema.json",
        "# yaml-language-server: $schema=koubou-task.schema.json    (first line of a task file)",
    )


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb has this shape
    from koubou.cli.say import print_json
    from koubou.folders.schema import task_schema

    print_json(task_schema())
    return 0
