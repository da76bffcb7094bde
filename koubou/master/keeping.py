"""When to let go what has been kept long enough, in small portions, and to give the disk its room back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from koubou.board.board import Board
from koubou.board.space import give_back, wipe_log
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.clock import clock
from koubou.master.hands import Hands
from koubou.model.heard import RetentionDue
from koubou.model.instant import DAY, MINUTE, SECOND, Milliseconds
from koubou.model.retention import Retention
from koubou.rules.retention import cutoffs, look_every

_OWED_AT_ONCE = 256
_SHORTEST, _LONGEST = SECOND, 10 * MINUTE
_A_JUMP = 5 * MINUTE
_AFTER_A_JUMP = 3600.0
"""Seconds after the clock was set during which nothing goes: it may be set again."""


class Keeping:
    """`look` is called once a second. The clock tells how old things are; how long to wait is told by the other one."""

    def __init__(self, board: Board, hands: Hands, journal: Journal, *, hear: Callable[[RetentionDue], None]) -> None:
        self._board = board
        self._hands = hands
        self._journal = journal
        self._hear = hear
        self._began: float | None = None
        self._next = 0.0
        self._offset: Milliseconds | None = None
        self._owing = self._wipe = False

    def look(self, retention: Retention) -> None:
        """Begin what is due; return at once. Where the board cannot be reached the next second comes back to it."""
        self._watch_clock()
        with suppress(BoardUnavailable), self._board.reachable():
            self._look(retention)

    def _look(self, retention: Retention) -> None:
        for owed in self._board.kept.owed(_OWED_AT_ONCE):
            self._hands.remove(owed)
        owing = self._board.kept.owed_count() > 0
        if self._owing and not owing:
            self._next = 0.0  # a portion is done: see whether there is another
            self._wipe = True
        self._owing = owing
        every = look_every(retention, _SHORTEST, _LONGEST) / SECOND
        present = time.monotonic()
        self._began = self._began or present
        if present >= self._next and present - self._began >= min(every, MINUTE / SECOND) and not owing:
            self._next = present + every
            self._hear(RetentionDue())
            now = clock()
            self._hands.sweep(cutoffs(retention, now).rejected, now - DAY)
        give_back(self._board.connection)
        if self._wipe:
            self._wipe = not wipe_log(self._board.connection)

    def _watch_clock(self) -> None:
        offset = clock() - round(time.monotonic() * SECOND)
        if self._offset is not None and abs(offset - self._offset) > _A_JUMP:
            jump = (offset - self._offset) // SECOND
            self._journal.say("clock.jumped", "warning", seconds=jump, reason="nothing is removed for an hour")
            self._next = time.monotonic() + _AFTER_A_JUMP
        self._offset = offset
