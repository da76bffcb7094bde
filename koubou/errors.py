"""What can be wrong, grouped by who must act. Every message says where, what, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

_TOLD_AT_ONCE = 5
_MOST_LISTED = 100


class KoubouError(Exception):
    """Anything that Koubou says is wrong; everything else that escapes is a bug."""


class Problem(NamedTuple):  # no Struct: the command line's help imports this module, and msgspec takes 25 ms
    """One thing that is wrong in a text somebody wrote: where, what, and the nearest word that would be right."""

    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    key: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        where = self.file
        if self.line is not None:
            where += f":{self.line}" + (f":{self.column}" if self.column is not None else "")
        return f"{where}: {self.told}" if where else self.told

    @property
    def told(self) -> str:
        """What is wrong, without where."""
        return self.message + (f' (did you mean "{self.nearest}"?)' if self.nearest else "")

    def as_json(self) -> dict[str, str | int | None]:
        """Its part of rejected/<name>.error.json; the names are a contract."""
        names = ("message", "line", "column", "key", "nearest")
        return {name: getattr(self, name) for name in names}


class SettingsError(KoubouError):
    """The operator must mend the settings. Carries every problem that was found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TaskFileError(KoubouError):
    """The author of a task file must mend it.

    `kind` is a stable word for programs (yaml, schema, size, encoding, file_type, permission, duplicate_id, cycle …).
    The message never quotes the file: what stands in it may be secret.
    """

    def __init__(self, kind: str, problem: Problem, others: Sequence[Problem] = ()) -> None:
        self.kind = kind
        self.problem = problem
        self.others = tuple(others)
        super().__init__("\n".join(map(str, (problem, *others))))

    def as_json(self) -> dict[str, Any]:
        """The error part of rejected/<name>.error.json: the first problem; where there are others, a word on each."""
        error = {"class": self.kind, **self.problem.as_json()}
        if not self.others:
            return error
        told = [self.problem.told, *(f"line {other.line}: {other.told}" for other in self.others[: _TOLD_AT_ONCE - 1])]
        if len(self.others) >= _TOLD_AT_ONCE:
            told.append(f"and {len(self.others) + 1 - len(told)} more")
        problems = (self.problem, *self.others[: _MOST_LISTED - 1])
        return {**error, "message": "; ".join(told), "problems": [each.as_json() for each in problems]}


class BillError(KoubouError):
    """A provider's bill cannot be read; carries every problem, with its line. No message quotes the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BoardUnavailable(KoubouError):
    """The board cannot be read or written now (locked, full disk); trying later may help."""


class BoardUnusable(KoubouError):
    """The board is damaged or newer than this program; an operator must act, and trying again does not help."""


BOARD_FAULTS = (BoardUnavailable, BoardUnusable)
"""What is nobody's fault but the board's: no task, file or request is to be blamed for it."""


class WorkshopTaken(KoubouError):
    """Another master holds this workshop."""


class NoMaster(KoubouError):
    """Nobody serves this workshop now, and what was asked needs a master."""


class NotAllowed(KoubouError):
    """The caller may not do this."""


class UsageMistake(KoubouError):
    """The words of a command are off."""


class UnknownTask(KoubouError):
    """No task has this id."""


class IllegalMove(KoubouError):
    """A task cannot make this move from where it stands: a bug, or a verb used at the wrong time."""


class ProtocolError(KoubouError):
    """The other end of the wire speaks another language: an older or newer version, or damage."""


class SecretsUnusable(KoubouError):
    """The keys that the workshop keeps cannot be opened or written (wrong, exposed, damaged); an operator must act."""


class UnknownSecret(KoubouError):
    """The vault holds no key of this name."""


class NotAKey(KoubouError):
    """What was given as an API key cannot be one. The message never quotes it."""


class CannotServe(KoubouError):
    """A tier cannot be served with these settings on this machine; a person must act. Holds no key and no task text."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message}: {remedy}")
