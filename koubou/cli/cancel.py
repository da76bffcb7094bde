"""koubou cancel: end tasks without an answer."""

from __future__ import annotations

import argparse

from koubou.cli.change import change, declare_change
from koubou.cli.parser import Parser
from koubou.model.status import ENDS, Status


def declare(parser: Parser) -> None:
    declare_change(parser)
    parser.examples("koubou cancel fix-login-123", "koubou cancel --session release-42        (shows them, then asks)")


def run(arguments: argparse.Namespace) -> int:
    return change(arguments, "cancel", None, [status for status in Status if status not in ENDS])
