"""Changing a workshop that nobody serves: the master's own steps, one after the other, under its lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koubou.views.workshop import Workshop

if TYPE_CHECKING:
    from koubou.board.board import Board
    from koubou.model.heard import Heard
    from koubou.steps.shop import Shop

Ask = Callable[..., Any]
"""(verb, **arguments) → the answer, as of the control socket."""


@contextmanager
def asking(workshop: Workshop) -> Iterator[Ask]:
    """Whoever answers for the workshop: its master, or we in its place while there is none.

    Raises WorkshopTaken where another begins to serve it meanwhile, and what opening a board raises.
    """
    if workshop.served:
        from koubou.views.control import ask

        yield lambda verb, **arguments: ask(workshop.layout.run, verb, **arguments)
        return
    with holding(workshop) as board:
        yield lambda verb, **arguments: _ask(workshop, board, verb, arguments)
        _give_back(board)


@contextmanager
def locked(workshop: Workshop) -> Iterator[None]:
    """Nobody can begin to serve it within. Raises WorkshopTaken where somebody does already."""
    from koubou.master import lock

    held = [lock.take(workshop.layout.run)]
    try:
        held.append(lock.take_home(workshop.layout.home))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


@contextmanager
def holding(workshop: Workshop) -> Iterator[Board]:
    """Its board for writing, under its lock."""
    from koubou.board.board import Board
    from koubou.board.connection import open_for_writing

    # Opening makes a board where there is none: only a master begins a workshop.
    with workshop.reading():
        pass
    with locked(workshop):
        board = Board(open_for_writing(Path(workshop.layout.board) / "koubou.db"))
        try:
            yield board
        finally:
            board.close()


def _ask(workshop: Workshop, board: Board, verb: str, arguments: Mapping[str, Any]) -> Any:
    from koubou.model.deed import RemoveFiles, SweepRejected
    from koubou.model.heard import Asked, FilesRemoved
    from koubou.views.control import meaning_of

    asked = Asked(verb=verb, actor=_me(), uid=os.geteuid(), operator=True, arguments=arguments, ticket=1)
    shop = _turn(workshop, board, asked)
    gone: list[Heard] = []
    for deed in shop.deeds:
        match deed:
            case RemoveFiles(task=task, task_id=task_id, what=what):
                gone.append(FilesRemoved(task=task, what=what, freed=_remove(workshop, task_id, what)))
            case SweepRejected(before=before, drafts_before=drafts_before):
                _sweep(workshop, before, drafts_before)
    for owed in board.kept.owed(len(gone) + 1_000):  # and what a master had left
        if not any(isinstance(each, FilesRemoved) and each.task == owed.task for each in gone):
            gone.append(FilesRemoved(task=owed.task, what=owed.what, freed=_remove(workshop, owed.task_id, owed.what)))
    if gone:
        _turn(workshop, board, *gone)
    return meaning_of(shop.replies[1])


def _turn(workshop: Workshop, board: Board, *heard: Heard) -> Shop:
    """What a turn would do with these words, and no more."""
    from koubou.cli.say import now
    from koubou.config.budgets import budget_of
    from koubou.config.retention_settings import retention_of
    from koubou.model.routing import Routing
    from koubou.steps.answer import answer
    from koubou.steps.retain import retain
    from koubou.steps.shop import Shop

    shop = Shop(
        board=board,
        tiers={},
        routing=Routing(tiers={}),
        budget=budget_of(workshop.settings.budget),
        benches=(),
        heard=heard,
        new_id=lambda: "",
        chance=lambda: 0.0,
        retention=retention_of(workshop.settings.retention),
    )
    with board.transaction():
        for step in (retain, answer):
            step(shop, now())
    return shop


def _remove(workshop: Workshop, task_id: str, what: str) -> int:
    from koubou.folders.remove import remove_runs, remove_task
    from koubou.model.retention import Removal

    return (remove_runs if what == Removal.RUNS else remove_task)(workshop.layout, task_id)


def _sweep(workshop: Workshop, before: int, drafts_before: int) -> None:
    from koubou.folders.remove import remove_rejected

    remove_rejected(workshop.layout, before, drafts_before, 1_000)


def _give_back(board: Board) -> None:
    from koubou.board.space import give_back

    while give_back(board.connection):
        pass


def _me() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
