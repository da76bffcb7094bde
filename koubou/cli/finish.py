"""koubou finish: take what there is of an answer, and let the task be done with it."""

from __future__ import annotations

import argparse

from koubou.cli.change import change, declare_change
from koubou.cli.parser import Parser
from koubou.model.status import ENDS, Status


def declare(parser: Parser) -> None:
    declare_change(parser)
    parser.examples("koubou finish fix-login-123", "koubou finish --park budget --session release-42")


def run(arguments: argparse.Namespace) -> int:
    return change(arguments, "finish", "is done with what there is", [each for each in Status if each not in ENDS])
