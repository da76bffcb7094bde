"""koubou budget: how the money stands, where it went, and what may be spent. One module a word."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from koubou.cli.parser import Parser, VerbModule

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "status": "how the accounts stand, and where spending leads (when no word is given)",
        "report": "what was spent, by operation, tier, model, task, session, submitter, day or backend",
        "set": "set a limit in place of the settings",
        "add": "give an account more than its limit, this once",
        "reset": "begin a new period: what was spent before no longer counts against the limit",
        "resume": "end an emergency stop, and thaw what is frozen",
        "reconcile": "correct the ledger by the provider's bill",
    }
)


def declare(parser: Parser) -> None:
    _module("status").declare(parser)
    parser.examples(
        "koubou budget",
        "koubou budget report --by day --plot november.png",
        'koubou budget set month --usd 50 --reason "agreed with the team"',
        "koubou budget add fix-login-123 --usd 0.50",
        "koubou budget reconcile costs.csv --dry-run",
    )
    words = parser.add_subparsers(dest="what", metavar="WORD", parser_class=Parser)
    for word, line in WORDS.items():
        inner = words.add_parser(
            word,
            help=line,
            description=f"{line[0].upper()}{line[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            # What stands before the word `status` may not be wiped out by what does not stand after it.
            argument_default=argparse.SUPPRESS if word == "status" else None,
        )
        _module(word).declare(inner)


def run(arguments: argparse.Namespace) -> int:
    return _module(arguments.what or "status").run(arguments)


def _module(word: str) -> VerbModule:
    return cast(VerbModule, importlib.import_module(f"koubou.cli.budget.{word}"))
