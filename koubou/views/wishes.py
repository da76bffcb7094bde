"""What the command line says beside a task file, and where a mistake in that is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.errors import Problem


class Wishes(Struct, frozen=True, kw_only=True):
    """What the command line says beside the files: keys that replace the documents', and files to attach."""

    keys: Mapping[str, Any]
    attach: Sequence[str]


def at_its_option(problem: Problem, wishes: Wishes) -> Problem:
    """What is wrong with a word of the command line lies at its option, and not in a file."""
    if problem.key not in wishes.keys:
        return problem
    message = problem.message.removeprefix(f"{problem.key} ")
    return problem._replace(file=f"--{problem.key}", line=None, column=None, message=message)
