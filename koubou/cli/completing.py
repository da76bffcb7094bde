"""What a shell is told that completes a command line of ours: it starts us with the line in the environment.

Nothing is said to the user whatever goes wrong, and the board is asked for no more than a screenful.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import argcomplete
from argcomplete.completers import FilesCompleter, SuppressCompleter

from koubou.cli.parser import Parser, VerbModule, parser_for
from koubou.cli.verbs import VERBS, named_verb
from koubou.errors import KoubouError
from koubou.model.status import ENDS, ParkReason, Status
from koubou.model.task import TYPES

if TYPE_CHECKING:
    from koubou.views.workshop import Workshop

_MOST_IDS = 200
_MOST_LOOKED_AT = 1_000
_SCOPES = ("month", "day", "weekend", "session", "task")

Words = Callable[..., Iterable[str]]


def complete() -> None:
    """Answer the shell, and end the process."""
    words = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT", "0") or 0)].split(" ")[1:]
    # The last word is the one that is being written: it names no verb yet.
    parser = _parser([word for word in words[:-1] if word])
    _teach(parser)
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=SuppressCompleter())


def _parser(words: list[str]) -> argparse.ArgumentParser:
    verb = named_verb(words)
    if verb is not None and verb in VERBS:
        return parser_for(verb, cast(VerbModule, importlib.import_module(f"koubou.cli.{verb}")))
    top = Parser(prog="koubou", allow_abbrev=False)
    top.add_argument("--config", metavar="FILE")
    top.add_argument("--set", metavar="KEY=VALUE")
    top.add_argument("--version", action="store_true")
    verbs = top.add_subparsers()
    for name, line in VERBS.items():
        verbs.add_parser(name, help=line)
    return top


def _teach(parser: argparse.ArgumentParser) -> None:
    """Give each argument what completes it, by its option or by the word that stands for its value in the help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _teach(inner)
            continue
        words = [*action.option_strings, action.metavar if isinstance(action.metavar, str) else ""]
        completer = next((_COMPLETERS[word] for word in words if word in _COMPLETERS), None)
        if action.choices is None and completer is not None:
            cast(Any, action).completer = completer


def _tiers(parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    return _quietly(parsed_args, lambda workshop: list(workshop.places))


def _scopes(parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    return [*_SCOPES, *(f"tier:{tier}" for tier in _tiers(parsed_args))]


def _ids(parsed_args: argparse.Namespace, prefix: str, **_: object) -> Iterable[str]:
    """Ids of tasks that begin so, the newest first; of a verb that changes only what goes on, or only what ended."""
    wanted = _WANTED.get(getattr(parsed_args, "verb", ""), tuple(Status))

    def look(workshop: Workshop) -> list[str]:
        from koubou.board.filter import Filter

        with workshop.reading() as board:
            if prefix:
                return [
                    task_id for task_id, status in board.browsing.ids_like(prefix, _MOST_LOOKED_AT) if status in wanted
                ]
            newest = [task for status in wanted for task in board.browsing.newest(status, Filter(), _MOST_IDS)]
            return [task.id for task in sorted(newest, key=lambda task: -task.seq)]

    return _quietly(parsed_args, look)[:_MOST_IDS]


def _sessions(parsed_args: argparse.Namespace, prefix: str, **_: object) -> Iterable[str]:
    def look(workshop: Workshop) -> list[str]:
        with workshop.reading() as board:
            return board.browsing.sessions_like(prefix, _MOST_IDS)

    return _quietly(parsed_args, look)


def _quietly(arguments: argparse.Namespace, look: Callable[[Workshop], list[str]]) -> list[str]:
    from koubou.views.workshop import Workshop

    config = getattr(arguments, "config", None)
    try:
        return look(Workshop(Path(config) if config else None, {}))
    except (KoubouError, OSError):
        return []


_GOING = tuple(status for status in Status if status not in ENDS)
_WANTED: Mapping[str, Collection[Status]] = {
    **dict.fromkeys(("retry", "purge", "rate"), ENDS),
    **dict.fromkeys(("cancel", "finish", "follow", "priority"), _GOING),
}
_COMPLETERS: Mapping[str, Words] = {
    "ID": _ids,
    "TIER": _tiers,
    "SCOPE": _scopes,
    "--session": _sessions,
    "--status": lambda **_: [str(status) for status in Status],
    "--park": lambda **_: [str(reason) for reason in ParkReason],
    "--type": lambda **_: TYPES,
    **dict.fromkeys(("FILE", "FILE | QUERY", "--workspace"), FilesCompleter()),
}
