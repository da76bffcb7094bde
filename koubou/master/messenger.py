"""Tells programs what the board owes them: each target by a thread of its own, some notifications at a time."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from koubou import crash
from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.clock import clock
from koubou.model.instant import DAY, SECOND
from koubou.model.notice import NotTold, Told
from koubou.model.notification import Notification, Notify, Target
from koubou.notices.notification import tell_target
from koubou.rules.notice import wait_after

_AT_ONCE = 8
_SETTLED_WITHIN = 20 * SECOND
"""A try of which nobody knows the end is made again after this."""
_KEPT = 7 * DAY
_FORGOTTEN_AT_ONCE = 1_000
_BETWEEN_TIDYING = 60.0


class Messenger:
    """Nothing waits for it, and what it does not get done stays owed."""

    def __init__(self, board: Board, journal: Journal, children: Children) -> None:
        self._board = board
        self._journal = journal
        self._children = children
        self._notify = Notify()
        self._loop = asyncio.get_running_loop()
        self._under_way: set[str] = set()
        self._tidied = float("-inf")

    def take(self, notify: Notify) -> None:
        """These settings from now on; what the old ones hindered is tried at once."""
        self._notify = notify
        with suppress(BoardUnavailable), self._board.transaction():
            self._board.notifications.hurry(clock())

    def tell(self) -> None:
        """Begin what is owed and due; return at once."""
        with suppress(BoardUnavailable):
            self._tidy()
            for name, target in self._notify.targets.items():
                if name not in self._under_way:
                    self._begin(name, target)

    def _begin(self, name: str, target: Target) -> None:
        now = clock()
        due = self._board.notifications.due(name, now, _AT_ONCE)
        if not due:
            return
        with self._board.transaction():
            for one in due:
                self._board.notifications.begun(one.id, now + _SETTLED_WITHIN)
        crash.at("notification.begun")
        self._under_way.add(name)
        threading.Thread(target=self._try, args=(name, target, due), name="messenger", daemon=True).start()

    def _try(self, name: str, target: Target, due: Sequence[Notification]) -> None:
        try:
            for one in due:
                outcome = tell_target(target, one, self._children)
                crash.at("notification.delivered")
                self._loop.call_soon_threadsafe(self._over, one, outcome)
                if isinstance(outcome, NotTold):
                    break  # the others would meet the same; they are tried in their time
            self._loop.call_soon_threadsafe(self._done, name)
        except RuntimeError:
            return  # the loop has ended; the next master tells

    def _done(self, name: str) -> None:
        self._under_way.discard(name)
        self.tell()

    def _over(self, one: Notification, outcome: Told | NotTold) -> None:
        tries, now = one.tries + 1, clock()
        with suppress(BoardUnavailable), self._board.transaction():  # else it is told again, by the same marker
            match outcome:
                case Told():
                    self._board.notifications.told(one.id, now)
                case NotTold() as why:
                    until = now + wait_after(why, tries, random.random())  # noqa: S311 - no secret
                    self._board.notifications.failed(one.id, why.trouble, until)
        fields: dict[str, Any] = {"notification": one.marker, "target": one.target, "tries": tries}
        if isinstance(outcome, Told):
            self._journal.say("notification.told", **fields)
        else:
            fields |= {"trouble": str(outcome.trouble), "reason": outcome.reason}
            self._journal.say("notification.failed", "warning", **fields)

    def _tidy(self) -> None:
        """Give up what has been owed too long, and forget what was told long ago."""
        if self._loop.time() - self._tidied < _BETWEEN_TIDYING:
            return
        self._tidied, now = self._loop.time(), clock()
        with self._board.transaction():
            given_up = self._board.notifications.give_up(now - self._notify.give_up_after, now)
            self._board.notifications.forget(now - max(_KEPT, 2 * self._notify.give_up_after), _FORGOTTEN_AT_ONCE)
            for marker, target in given_up:
                self._board.history.add(None, "notification.given_up", f"{marker} to {target}", now)
        for marker, target in given_up:
            reason = "it could not be told for as long as notify.give_up_after says"
            self._journal.say("notification.given_up", "error", notification=marker, target=target, reason=reason)
