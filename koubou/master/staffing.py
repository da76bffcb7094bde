"""Hires for the work that waits, and writes down who is there: the crew as the board knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.clock import clock
from koubou.master.crew import Crew
from koubou.master.supervision import Supervision
from koubou.model.instant import DAY

_BEATS_WRITTEN_EVERY = 5.0


class Staffing:
    """`busy` while somebody is being hired."""

    def __init__(self, board: Board, crew: Crew, journal: Journal, *, chance: Callable[[], float]) -> None:
        self._board = board
        self._crew = crew
        self._journal = journal
        self._supervision = Supervision(crew, journal, chance=chance)
        self._hiring: set[asyncio.Task[object]] = set()
        self._beats_written = 0.0

    @property
    def busy(self) -> bool:
        """Whether somebody is being hired."""
        return bool(self._hiring)

    def hire(self) -> None:
        """One more worker for each tier whose work waits."""
        tiers = self._crew.workshop.tiers
        queued: dict[str, int] = {}
        if self._board.tasks.anybody_queued():
            queued = {name: self._board.tasks.queued_up_to(name, tier.places + 1) for name, tier in tiers.items()}
        elif not any(tier.workers_min for tier in tiers.values()):
            return
        for tier in self._crew.wanted(queued, self._board.runs.open_count()):
            task = asyncio.get_running_loop().create_task(self._hire(tier.name))
            self._hiring.add(task)
            task.add_done_callback(self._hiring.discard)

    def look(self) -> None:
        """Once a second: who hangs, who is to be replaced, who has had nothing to do; now and then the beats."""
        self._supervision.look()
        self._crew.orphans.reap()
        self._crew.children.look_after_nursery()
        self._crew.send_home(self._board.runs.open_count())
        now = asyncio.get_running_loop().time()
        if now - self._beats_written >= _BEATS_WRITTEN_EVERY:
            self._beats_written = now
            self._write_beats()

    async def _hire(self, name: str) -> None:
        member = await self._crew.hire(self._crew.tiers()[name])
        if member is None:
            return
        try:
            with self._board.transaction():
                self._board.crew.hired(member.identity, member.tier, clock())
        except BoardUnavailable as error:
            # Nobody works whom the board does not know: after a crash he would not be found.
            self._journal.say("board.fault", "error", reason=str(error))
            member.retire()

    def _write_beats(self) -> None:
        now, taken = clock(), self._board.runs.open_count()
        try:
            with self._board.transaction():
                for name in self._crew.members:
                    self._board.crew.seen(name, "busy" if taken.get(name) else "idle", now)
                self._board.crew.forget(now - DAY)
        except BoardUnavailable as error:
            self._journal.say("board.fault", "error", reason=str(error))
