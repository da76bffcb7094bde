"""`python -m koubou.cli.reference`: the page on the command line, rendered from what the command itself knows."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator

from koubou.cli.parser import LAST_WORDS, Parser
from koubou.cli.verbs import GROUPS

_HEAD = """\
# The command line

Rendered from the code by `python -m koubou.cli.reference`; `koubou VERB --help` says the same.

`--config FILE` (else `KOUBOU_CONFIG`, else `/etc/koubou/koubou.yaml`) and `--set KEY=VALUE` stand before or after the
verb. `--json` prints one JSON value on standard output, with stable names and times in ISO 8601 UTC; `follow --json`
prints one object a line. Remarks and errors go to standard error. Colour is for terminals, and `NO_COLOR` turns it off.
"""


def render() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for group, verbs in GROUPS.items():
        parts.append(f"## {group}\n")
        parts += [_verb(verb, line) for verb, line in verbs.items()]
    exits = LAST_WORDS.partition("Exit codes: ")[2].replace("\n", " ").strip()
    parts.append(f"## Exit codes\n\n{exits}\n")
    return "\n".join(parts)


def _verb(verb: str, line: str) -> str:
    parser = Parser(prog=f"koubou {verb}", add_help=False)
    importlib.import_module(f"koubou.cli.{verb}").declare(parser)
    own_words = [
        _section(f"#### {verb} {word}", inner.description or "", inner)
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for word, inner in action.choices.items()
    ]
    return "\n".join([_section(f"### {verb}", f"{line[0].upper()}{line[1:]}.", parser), *own_words])


def _section(heading: str, line: str, parser: argparse.ArgumentParser) -> str:
    rows = [f"| `{word}` | {meaning} |" for word, meaning in _arguments(parser)]
    table = ["", "| | |", "| --- | --- |", *rows] if rows else []
    examples = ["", "```sh", *(text.strip() for text in (parser.epilog or "").splitlines()[1:]), "```"]
    return "\n".join([heading, "", line, *table, *(examples if parser.epilog else ()), ""])


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        shown = action.metavar if isinstance(action.metavar, str) else action.dest
        if action.choices is not None and action.metavar is None:
            shown = " or ".join(map(str, action.choices))
        word = (
            shown if not action.option_strings else f"{action.option_strings[0]} {shown if action.nargs != 0 else ''}"
        )
        yield word.strip().replace("|", "\\|"), (action.help or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render())
