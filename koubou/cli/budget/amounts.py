"""Amounts as people give them: an option for each dimension, turned into the integers that accounts hold."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from koubou.cli.parser import Parser
from koubou.errors import UsageMistake

DEFAULT = "default"
"""In place of an amount: what the settings say."""

_OPTIONS = {
    "usd": ("X", "money, such as 12.50"),
    "tokens": ("N", "tokens, in and out"),
    "calls": ("N", "calls"),
    "time": ("TIME", "time at work, such as 90s, 15m or 2h"),
    "file_edits": ("N", "files that an agent may change"),
    "commands": ("N", "commands that an agent may run"),
}
DIMENSIONS = tuple(_OPTIONS)


def declare_amounts(parser: Parser) -> None:
    """An option for each dimension; several may be given together."""
    group = parser.add_argument_group("how much")
    for dimension, (metavar, meaning) in _OPTIONS.items():
        option = f"--{dimension.replace('_', '-')}"
        group.add_argument(option, dest=dimension, metavar=metavar, type=_reader(dimension), help=meaning)


def amounts_of(arguments: argparse.Namespace) -> dict[str, int]:
    """What the options say, by dimension: nano-dollars, milliseconds, or a count."""
    given = {dimension: getattr(arguments, dimension) for dimension in DIMENSIONS}
    return {dimension: amount for dimension, amount in given.items() if amount is not None}


def show_amount(dimension: str, amount: int) -> str:
    """An amount as people read it, with its unit."""
    from koubou.cli.say import lasting, money

    if dimension == "usd":
        return money(amount)
    if dimension == "time":
        return lasting(amount)
    return f"{amount:,} {dimension.replace('_', ' ')}"


def reason_of(arguments: argparse.Namespace, word: str) -> str:
    """The reason that was given. Raises UsageMistake where there is none."""
    reason: str = (arguments.reason or "").strip()
    if not reason:
        raise UsageMistake(f"budget {word} needs --reason: it is kept in the history")
    return reason


def _reader(dimension: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        from koubou.documents import units

        parse = {"usd": units.usd, "time": units.duration}.get(dimension, units.count)
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
