"""Where a verb sees how tasks stand: on the board, or by the master's word for who may not read the board."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from koubou.board.reading import Reading
from koubou.board.shapes import shown, wait_from_shape
from koubou.board.waits import Wait
from koubou.errors import NoMaster, NotAllowed, UnknownTask
from koubou.model.status import Status
from koubou.views.control import ask
from koubou.views.find import OF_YOURS, ON_BOARD
from koubou.views.workshop import Workshop

_AT_ONCE = 1_000
"""Ids of one request."""


class Look(Protocol):
    """How tasks stand. Who may not read the board sees his own, and no others."""

    among: str
    """What to add where there is no such task: among which."""

    def show(self, task_id: str) -> dict[str, Any] | None:
        """A task as `show` gives it, but for its folder; None when there is no such task."""

    def name(self, task_id: str) -> str | None:
        """The id of a task as it was given first, whatever its case; None when there is no such task."""

    def standing(self, ids: Sequence[str]) -> Mapping[str, Status]:
        """The status of those of these tasks that there are, by their ids in lower case."""

    def waits(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """What those of these tasks wait for that there are, by their ids in lower case."""

    def identities(self, ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """(digest, owner) of those of these tasks that there are, by their ids in lower case."""


@contextmanager
def looking(workshop: Workshop) -> Iterator[Look]:
    """At the board, where the caller may read it; else the master is asked. Raises BoardUnavailable."""
    try:
        board = workshop.open_board(served=workshop.served)
    except PermissionError:
        yield Told(workshop.layout.run)
        return
    try:
        yield OnBoard(board)
    finally:
        board.close()


@contextmanager
def reading(workshop: Workshop, verb: str, instead: str) -> Iterator[Reading]:
    """The board for a verb that needs all of it. Who may not read it gets NotAllowed, with what to use instead."""
    try:
        board = workshop.open_board(served=workshop.served)
    except PermissionError:
        raise operators_only(verb, instead) from None
    try:
        yield board
    finally:
        board.close()


def operators_only(verb: str, instead: str) -> NotAllowed:
    """Why a verb is not for submitters, and what is."""
    return NotAllowed(f"koubou {verb} reads the board, which only operators may; of a task of yours {instead}")


def is_served(workshop: Workshop) -> bool:
    """Whether a master holds it now; he is asked where his lock may not be looked at."""
    if not workshop.served or os.access(f"{workshop.layout.run}/master.lock", os.R_OK):
        return workshop.served
    try:
        Told(workshop.layout.run).greet()
    except NoMaster:
        return False
    except NotAllowed:
        pass  # somebody is there
    return True


class OnBoard:
    """What is read on the board."""

    among = ON_BOARD

    def __init__(self, board: Reading) -> None:
        self._board = board
        self.standing = board.standing
        self.waits = board.waits.of
        self.identities = board.identities

    def show(self, task_id: str) -> dict[str, Any] | None:
        """See Look."""
        with self._board.picture():
            task = self._board.task(task_id)
            return None if task is None else shown(self._board, task)[0]

    def name(self, task_id: str) -> str | None:
        """See Look."""
        task = self._board.task(task_id)
        return None if task is None else task.id


class Told:
    """What the master says of the caller's own tasks. Every method raises NoMaster, and NotAllowed for a stranger."""

    among = OF_YOURS

    def __init__(self, run: str) -> None:
        self._run = run

    def greet(self) -> None:
        """See that the master is there, and lets us ask."""
        self._ask("ping")

    def show(self, task_id: str) -> dict[str, Any] | None:
        """See Look."""
        history: list[Any] = []
        after: int | None = 0
        while after is not None:
            told = self._ask_of(task_id, after)
            if told is None:
                return None
            history += told["task"]["history"]
            after = told["after"]
        return {**told["task"], "history": history}

    def name(self, task_id: str) -> str | None:
        """See Look."""
        told = self._ask_of(task_id, 0)
        return None if told is None else str(told["task"]["id"])

    def standing(self, ids: Sequence[str]) -> Mapping[str, Status]:
        """See Look."""
        return {task_id: Status(told["status"]) for task_id, told in self._ask_about(ids).items()}

    def waits(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """See Look."""
        return {task_id: wait_from_shape(told["wait"]) for task_id, told in self._ask_about(ids, waits=True).items()}

    def identities(self, ids: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        """See Look."""
        return {task_id: (told["digest"], told["owner"]) for task_id, told in self._ask_about(ids).items()}

    def _ask_of(self, task_id: str, after: int) -> Any:
        try:
            return self._ask("show", id=task_id, after=after)
        except UnknownTask:
            return None

    def _ask_about(self, ids: Sequence[str], **more: bool) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            found |= self._ask("standing", ids=list(ids[start : start + _AT_ONCE]), **more)["tasks"]
        return found

    def _ask(self, verb: str, **arguments: Any) -> Any:
        try:
            return ask(self._run, verb, **arguments)
        except NotAllowed:
            message = "you may neither read the board nor ask the master; be in the group koubou-submit, or an operator"
            raise NotAllowed(message) from None
