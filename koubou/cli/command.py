"""Finding the verb of a command, doing it, and saying what is wrong in one message and one exit code."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Iterable, Sequence
from typing import cast

from koubou import __version__
from koubou.cli import exits
from koubou.cli.parser import VerbModule, parsed, top_help
from koubou.cli.verbs import BEFORE_A_VERB, VERBS, named_verb
from koubou.errors import KoubouError, UsageMistake


def carry_out(words: Sequence[str]) -> int:
    """Do what the words say; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A letter that the terminal's encoding does not have must not keep the others from it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _do(list(words))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except KoubouError as error:
        _complain(str(error))
        return exits.exit_code(error)
    except OSError as error:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        _complain(f"{name}: {error.strerror}" if name else str(error))
        return exits.exit_code(error)
    return code


def _do(words: list[str]) -> int:
    verb = named_verb(words)
    if verb is None:
        return _without_verb(words)
    if verb not in VERBS:
        raise _no_such_verb(verb, words)
    module = cast(VerbModule, importlib.import_module(f"koubou.cli.{verb}"))
    try:
        arguments = parsed(verb, module, words)
    except SystemExit as asked_for_help:
        return int(asked_for_help.code or 0)
    return module.run(arguments)


def _without_verb(words: list[str]) -> int:
    if "--version" in words:
        print(f"koubou {__version__}")
        return exits.DONE
    if not words or "--help" in words or "-h" in words:
        print(top_help(), end="")
        return exits.DONE if words else exits.USAGE
    raise UsageMistake("which verb?\nTry: koubou --help")


def _no_such_verb(verb: str, words: Sequence[str]) -> UsageMistake:
    """What is wrong is an option before it, where there is one that we do not know."""
    before = [word.partition("=")[0] for word in words[: words.index(verb)] if word.startswith("-")]
    if unknown := next((word for word in before if word not in BEFORE_A_VERB), None):
        return UsageMistake(f'there is no option "{unknown}"{_nearest(unknown, BEFORE_A_VERB)}\nTry: koubou --help')
    return UsageMistake(f'there is no verb "{verb}"{_nearest(verb, VERBS)}\nTry: koubou --help')


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _complain(message: str) -> None:
    for line in message.splitlines() or ["something is wrong"]:
        print(f"koubou: {line}", file=sys.stderr)
