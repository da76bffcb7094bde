"""How tasks stand, looked at again and again, also across a restart of the master."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Protocol, TypeVar

from koubou.board.reading import Reading
from koubou.board.waits import Wait
from koubou.cli.say import note
from koubou.errors import NoMaster, NotAllowed
from koubou.model.status import Status
from koubou.views.looking import Told
from koubou.views.workshop import Workshop

T = TypeVar("T")

_ASK_FOR_MASTER = 1.0
_WITHOUT_MASTER = 60.0
"""Seconds for which a master may be away, as it is during a restart."""


@contextmanager
def watching(workshop: Workshop) -> Iterator[Watch]:
    """How tasks stand, again and again: on the board, or by the master's word for who may not read it."""
    try:
        watch = BoardWatch(workshop)
    except PermissionError:
        yield MasterWatch(workshop)
        return
    with closing(watch):
        yield watch


class Watch(Protocol):
    """How tasks stand, looked at again and again; a master that is away for less than a minute is waited for."""

    explained_by: str
    """The verb that tells the caller more of a task."""

    def standing(self, ids: Sequence[str]) -> Mapping[str, Status]:
        """As `Look` has it, now. Raises NoMaster when nobody has served the workshop for a minute."""

    def waits(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """As `Look` has it, now. Raises NoMaster when nobody has served the workshop for a minute."""

    def identities(self, ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """As `Look` has it, now. Raises NoMaster when nobody has served the workshop for a minute."""


class BoardWatch:
    """The board, looked at; a master that comes or goes changes how it is to be opened."""

    explained_by = "explain"

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._served = workshop.served
        self._board = workshop.open_board(served=self._served)
        self._absence = _Absence(workshop)
        self._asked = time.monotonic()
        self._looked = False

    @property
    def board(self) -> Reading:
        """As it stands now. Raises NoMaster when nobody has served the workshop for a minute."""
        if self._looked and (not self._served or time.monotonic() - self._asked >= _ASK_FOR_MASTER):
            self._ask()
        self._looked = True
        return self._board

    def standing(self, ids: Sequence[str]) -> Mapping[str, Status]:
        """See Watch."""
        return self.board.standing(ids)

    def waits(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """See Watch."""
        return self.board.waits.of(ids)

    def identities(self, ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """See Watch."""
        return self.board.identities(ids)

    def close(self) -> None:
        """Close the board."""
        self._board.close()

    def _ask(self) -> None:
        served, before = self._workshop.served, self._served
        self._asked, self._served = time.monotonic(), served
        self._absence.note(served)
        if not (served and before):
            # A board that was opened while nobody served it is a still picture.
            self._board.close()
            self._board = self._workshop.open_board(served=served)


class MasterWatch:
    """The master, asked; while he is away nothing is known. The first time he must be there: NoMaster, NotAllowed."""

    explained_by = "show"

    def __init__(self, workshop: Workshop) -> None:
        self._told = Told(workshop.layout.run)
        self._absence = _Absence(workshop)
        self._told.greet()

    def standing(self, ids: Sequence[str]) -> Mapping[str, Status]:
        """See Watch."""
        return self._patiently(self._told.standing, ids)

    def waits(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """See Watch."""
        return self._patiently(self._told.waits, ids)

    def identities(self, ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """See Watch."""
        return self._patiently(self._told.identities, ids)

    def _patiently(self, hear: Callable[[Sequence[str]], Mapping[str, T]], ids: Sequence[str]) -> Mapping[str, T]:
        try:
            told = hear(ids)
        except (NoMaster, NotAllowed):  # a socket is nobody's but its maker's for a moment
            self._absence.note(served=False)
            return {}
        self._absence.note(served=True)
        return told


class _Absence:
    """How long nobody has served a workshop: said once, and borne for a minute."""

    def __init__(self, workshop: Workshop) -> None:
        self._home = workshop.layout.home
        self._last_served = time.monotonic()
        self._noted = False

    def note(self, served: bool) -> None:
        """Whether it is served now. Raises NoMaster when it has not been for too long."""
        present = time.monotonic()
        if served:
            self._last_served, self._noted = present, False
        elif not self._noted:
            self._noted = True
            note("nobody serves this workshop now; waiting for a master")
        if present - self._last_served > _WITHOUT_MASTER:
            raise NoMaster(f"nobody serves this workshop ({self._home}); start it: koubou serve")
