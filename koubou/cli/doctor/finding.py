"""What the doctor found: a level, a sentence, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import asdict

from koubou.errors import KoubouError

if TYPE_CHECKING:
    from koubou.cli.doctor.patient import Patient

Level = Literal["ok", "note", "warning", "error"]


class Finding(Struct, frozen=True, kw_only=True):
    """One check: `area` groups them, `says` is what is so, `remedy` what to do about it ("" where nothing is)."""

    area: str
    name: str
    level: Level
    says: str
    remedy: str = ""

    def shape(self) -> dict[str, Any]:
        """As --json gives it."""
        return asdict(self)


Check = Callable[["Patient"], Iterable[Finding]]


class Area:
    """Makes the findings of one area."""

    def __init__(self, name: str) -> None:
        self._name = name

    def ok(self, name: str, says: str) -> Finding:
        """As it should be."""
        return Finding(area=self._name, name=name, level="ok", says=says)

    def note(self, name: str, says: str, remedy: str = "") -> Finding:
        """Good to know."""
        return Finding(area=self._name, name=name, level="note", says=says, remedy=remedy)

    def warning(self, name: str, says: str, remedy: str) -> Finding:
        """It works, but not as well or as safely as it should."""
        return Finding(area=self._name, name=name, level="warning", says=says, remedy=remedy)

    def error(self, name: str, says: str, remedy: str) -> Finding:
        """Something does not work, or is not safe."""
        return Finding(area=self._name, name=name, level="error", says=says, remedy=remedy)


def guarded(check: Check, patient: Patient) -> Iterator[Finding]:
    """The findings of a check; where it may not look, or fails, that is a finding too, and the others go on."""
    name = check.__name__.strip("_").replace("_", " ")
    area = Area((check.__module__ or "").rpartition(".")[2])
    try:
        yield from check(patient)
    except PermissionError as error:
        yield area.note(name, f"you may not look at {error.filename or 'it'}", "run koubou doctor as root")
    except FileNotFoundError as error:
        if os.path.isdir(patient.layout.home):  # else that has been said
            yield area.note(name, f"{error.filename} is not there", "koubou serve makes it")
    except (KoubouError, OSError, ValueError) as error:
        yield area.warning(name, f"it could not be looked at: {error}", "mend that first")
