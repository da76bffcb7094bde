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
from koubou.model.heard import RetentionDue, SpendDue
from koubou.model.instant import MINUTE, SECOND, Milliseconds
from koubou.model.retention import Retention
from koubou.rules.retention import look_every

_OWED_AT_ONCE = 256
_SHORTEST, _LONGEST = SECOND, 10 * MINUTE
_A_JUMP = 5 * MINUTE
_SPEND_EVERY = 300.0
"""Seconds after which it is looked again who spends how much."""
_AFTER_A_START = 60.0
_AFTER_A_JUMP = 3600.0
"""Seconds after the clock was set during which nothing goes: it may be set again."""


class Keeping:
    """`look` is called once a second. The clock tells how old things are; how long to wait is told by the other one."""

    def __init__(
        self, board: Board, hands: Hands, journal: Journal, *, hear: Callable[[RetentionDue | SpendDue], None]
    ) -> None:
        self._board = board
        self._hands = hands
        self._journal = journal
        self._hear = hear
        self._began = time.monotonic()
        self._not_before = 0.0
        self._summed_up = self._began
        self._looked: float | None = None
        self._offset: Milliseconds | None = None
        self._done = 0
        self._wipe = False

    def look(self, retention: Retention) -> None:
        """Begin what is due; return at once. Where the board cannot be reached the next second comes back to it."""
        self._watch_clock()
        with suppress(BoardUnavailable), self._board.reachable():
            self._look(retention)

    def _look(self, retention: Retention) -> None:
        for owed in self._board.kept.owed(_OWED_AT_ONCE):
            self._hands.remove(owed)
        owing = self._board.kept.owed_count() > 0
        if self._hands.removals != self._done and not owing:
            self._looked = None  # a portion is done: see whether there is another
            self._wipe, self._done = True, self._hands.removals
        if not owing and self._is_time(look_every(retention, _SHORTEST, _LONGEST) / SECOND):
            self._looked = time.monotonic()
            self._hear(RetentionDue())
        if time.monotonic() - self._summed_up >= _SPEND_EVERY:
            self._summed_up = time.monotonic()
            self._hear(SpendDue())
        give_back(self._board.connection)
        if self._wipe:
            self._wipe = not wipe_log(self._board.connection)

    def _is_time(self, every: float) -> bool:
        present = time.monotonic()
        # A clock that is off is often set soon after a start.
        if present < max(self._not_before, self._began + min(every, _AFTER_A_START)):
            return False
        return self._looked is None or present - self._looked >= every

    def _watch_clock(self) -> None:
        offset = clock() - round(time.monotonic() * SECOND)
        if self._offset is not None and abs(offset - self._offset) > _A_JUMP:
            jump = (offset - self._offset) // SECOND
            self._journal.say("clock.jumped", "warning", seconds=jump, reason="nothing is removed for an hour")
            self._not_before = time.monotonic() + _AFTER_A_JUMP
        self._offset = offset
