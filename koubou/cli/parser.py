"""What the words of a command mean: the options of all verbs, and the help that teaches them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn, Protocol

from koubou.cli.verbs import GROUPS, VERBS
from koubou.errors import UsageMistake

_FIRST_WORDS = """\
Koubou is a workshop for language-model work: drop task files in a folder, get answers in a folder.

  koubou serve                               start the workshop (Ctrl-C stops it)
  koubou submit --prompt "Say hello" --wait  ask something and wait for the answer
  koubou status                              see how it stands
"""
LAST_WORDS = """\
  koubou VERB --help explains a verb. Options before or after the verb:
    --config FILE      the settings; else KOUBOU_CONFIG, else /etc/koubou/koubou.yaml
    --set KEY=VALUE    override one setting, such as budget.monthly.usd=50 (may be repeated)

Exit codes: 0 done, 1 the task failed, 64 usage, 65 bad task file or bill, 69 no master, 73 cannot create,
75 still not ended, 77 not allowed, 78 bad settings.
"""


class VerbModule(Protocol):
    """What a verb's module has."""

    def declare(self, parser: Parser) -> None:
        """Say which arguments the verb takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code. Raises KoubouError for what the caller or operator must mend."""


class Parser(argparse.ArgumentParser):
    """Raises UsageMistake where argparse would end the process with a code of its own."""

    def error(self, message: str) -> NoReturn:
        raise UsageMistake(f"{message}\nTry: {self.prog} --help")

    def examples(self, *lines: str) -> None:
        """Show examples under the verb's help."""
        self.epilog = "Examples:\n" + "\n".join(f"  {line}" for line in lines)


class _TopParser(Parser):
    def format_help(self) -> str:
        groups = [
            f"{group}:\n" + "".join(f"  {verb:<12}{line}\n" for verb, line in verbs.items())
            for group, verbs in GROUPS.items()
        ]
        return "\n".join((_FIRST_WORDS, *groups, LAST_WORDS))


def parser_for(verb: str, module: VerbModule) -> Parser:
    """The parser of a command with this verb; the others are known by name only."""
    top = _TopParser(prog="koubou", allow_abbrev=False)
    _global_options(top, "overrides", None, [])
    verbs = top.add_subparsers(dest="verb", required=True, parser_class=Parser)
    chosen = verbs.add_parser(
        verb,
        description=f"{VERBS[verb][0].upper()}{VERBS[verb][1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.declare(chosen)
    # After the verb the same options are taken too; there they may not wipe out what stood before it.
    for parser in _leaves(chosen):
        _global_options(parser, "later_overrides", argparse.SUPPRESS, argparse.SUPPRESS)
    return top


def parsed(verb: str, module: VerbModule, words: Sequence[str]) -> argparse.Namespace:
    """What the words of a command mean. Raises UsageMistake, SystemExit once help was shown."""
    import difflib

    top = parser_for(verb, module)
    arguments, unknown = top.parse_known_args(words)
    if not unknown:
        return arguments
    parser, word = _reached(top, arguments), unknown[0].partition("=")[0]
    if not word.startswith("-"):
        raise UsageMistake(f'"{word}" is one word too many\nTry: {parser.prog} --help')
    near = difflib.get_close_matches(word, parser._option_string_actions, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise UsageMistake(f'there is no option "{word}"{hint}\nTry: {parser.prog} --help')


def top_help() -> str:
    """The help of the whole command."""
    return _TopParser(prog="koubou").format_help()


def _global_options(
    parser: argparse.ArgumentParser, overrides: str, no_config: str | None, no_overrides: str | list[str]
) -> None:
    group = parser.add_argument_group("settings")
    group.add_argument("--config", metavar="FILE", default=no_config, help="the settings (else KOUBOU_CONFIG)")
    group.add_argument(
        "--set",
        dest=overrides,
        metavar="KEY=VALUE",
        action="append",
        default=no_overrides,
        help="override one setting; may be repeated",
    )


def _reached(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.ArgumentParser:
    """The parser of the innermost verb that was named."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = action.choices.get(getattr(arguments, action.dest, None) or "")
            return parser if inner is None else _reached(inner, arguments)
    return parser


def _leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parsers that are reached at the end: of the verb, or of each of its own verbs."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return [parser, *action.choices.values()]
    return [parser]
