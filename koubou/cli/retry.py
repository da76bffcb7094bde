"""koubou retry: have tasks tried again that have ended or wait for a person."""

from __future__ import annotations

import argparse

from koubou.cli.change import change, declare_change
from koubou.cli.parser import Parser
from koubou.model.status import Status


def declare(parser: Parser) -> None:
    declare_change(parser)
    parser.examples("koubou retry fix-login-123", "koubou retry --status failed --since 1h --yes")


def run(arguments: argparse.Namespace) -> int:
    return change(arguments, "retry", "is tried again", [Status.FAILED, Status.CANCELLED])
