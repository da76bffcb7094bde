"""What an agent's events say, whichever agent it is: its session, its deeds, its words, and how its turn ended."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from koubou.model.agent import Deeds, Work
from koubou.model.call import CallError, ErrorClass
from koubou.rules.secrets.own_words import WINDOW

_LONGEST_COMMAND = 20 * WINDOW
"""Letters of a command that are looked at, a window at a time."""


class Deed(Struct, frozen=True, kw_only=True):
    """One thing that an agent does. It may be told of twice, by the same `key`."""

    key: str
    edits: int = 0
    command: str | None = None


class Seen(Struct, frozen=True, kw_only=True):
    """What one event says. `over`: the turn has ended, well unless there is an `error`. `text` is the latest word."""

    session: str | None = None
    deeds: tuple[Deed, ...] = ()
    text: str | None = None
    over: bool = False
    error: CallError | None = None


NOTHING = Seen()


def with_deed(deeds: Deeds, deed: Deed, dangerous: Iterable[re.Pattern[str]]) -> Deeds:
    """The count with one more deed."""
    command = deed.command
    return Deeds(
        edits=deeds.edits + deed.edits,
        commands=deeds.commands + (command is not None),
        dangerous=deeds.dangerous + (command is not None and _is_dangerous(command, dangerous)),
    )


def too_many(deeds: Deeds, work: Work, dangerous_most: int) -> CallError | None:
    """Which limit of operations is passed, if one is."""
    limits = (
        ("edits", deeds.edits, work.edits, "the agent edits more files than it may"),
        ("commands", deeds.commands, work.commands, "the agent runs more commands than it may"),
        ("dangerous", deeds.dangerous, dangerous_most, "the agent runs more dangerous commands than it may"),
    )
    for code, done, most, sentence in limits:
        if most is not None and done > most:
            return CallError(kind=ErrorClass.OPERATIONS, message=f"{sentence}: {most}", code=code)
    return None


def _is_dangerous(command: str, dangerous: Iterable[re.Pattern[str]]) -> bool:
    patterns = tuple(dangerous)
    starts = range(0, min(len(command), _LONGEST_COMMAND), WINDOW // 2)
    return any(pattern.search(command[start : start + WINDOW]) for start in starts for pattern in patterns)
