"""Tells the guardian what the board owes, one notice at a time by each way, in a thread; and sees what he closes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from koubou import crash
from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.clock import clock
from koubou.master.closings import Closings
from koubou.master.messenger import Messenger
from koubou.model.heard import IssueClosed, NoticeFailed, NoticeTold
from koubou.model.notice import Channel, Guardian, Notice, NotTold, Told, Trouble
from koubou.model.notification import Notify
from koubou.notices.deliver import deliver
from koubou.rules.notice import ANSWERED_WITHIN

_GIVEN_UP_AFTER = 90.0
"""Seconds; an attempt ends itself long before, unless its thread hangs."""
_END_WAITS = 5.0
"""Seconds for which the workshop stays open for an attempt; what is owed then is owed to the next master."""

Heard = NoticeTold | NoticeFailed | IssueClosed


class _Attempt(Struct, frozen=True):
    notice: Notice
    began: float


class Teller:
    """`hear` gets each outcome. Nothing waits for it, and what it does not get done stays owed on the board."""

    def __init__(
        self,
        board: Board,
        journal: Journal,
        guardian: Guardian,
        *,
        hear: Callable[[Heard], None],
        children: Children | None = None,
    ) -> None:
        self._board = board
        self._journal = journal
        self._guardian = guardian
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[Channel, _Attempt] = {}
        self._closings = Closings(board, journal, hear=hear)
        self._messenger = Messenger(board, journal, children or Children())

    @property
    def busy(self) -> bool:
        """Whether an attempt is under way for which it is worth to stay a little."""
        return any(self._loop.time() - attempt.began < _END_WAITS for attempt in self._under_way.values())

    def take(self, guardian: Guardian, notify: Notify | None = None) -> None:
        """At the start and after a reload: these settings from now on; what the old ones hindered is tried at once."""
        self._guardian = guardian
        self._messenger.take(notify or Notify())
        with suppress(BoardUnavailable), self._board.transaction():  # else each comes in its own time
            self._board.notices.hurry(clock())
        for channel, count in self._board.notices.owed().items():
            if channel not in guardian.audience.channels:
                reason = f"notices are owed by a way that the settings do not have: set guardian.{channel} again"
                self._journal.say("guardian.unreachable", "error", channel=channel, count=count, reason=reason)

    def tell(self) -> None:
        """Begin what is owed and due, and to look at issues; return at once."""
        for channel in self._guardian.audience.channels:
            self._give_up(channel)
            if channel not in self._under_way:
                with suppress(BoardUnavailable):  # then nothing was begun; housekeeping comes back
                    self._begin(channel)
        self._closings.look(self._guardian.github)
        self._messenger.tell()

    def _begin(self, channel: Channel) -> None:
        now = clock()
        notice = self._board.notices.due(channel, now)
        if notice is None:
            return
        # Written before the first byte goes out: whoever comes after us looks first whether it arrived.
        with self._board.transaction():
            self._board.notices.begun(notice.incident, channel, now, now + ANSWERED_WITHIN)
        crash.at("notice.begun")
        attempt = _Attempt(notice, self._loop.time())
        self._under_way[channel] = attempt
        threading.Thread(target=self._attempt, args=(attempt, self._guardian), name="teller", daemon=True).start()

    def _attempt(self, attempt: _Attempt, guardian: Guardian) -> None:
        outcome = deliver(guardian, attempt.notice)
        crash.at("notice.delivered")
        with suppress(RuntimeError):  # the loop has ended; the next master looks
            self._loop.call_soon_threadsafe(self._over, attempt, outcome)

    def _give_up(self, channel: Channel) -> None:
        attempt = self._under_way.get(channel)
        if attempt is not None and self._loop.time() - attempt.began > _GIVEN_UP_AFTER:
            self._over(attempt, NotTold(trouble=Trouble.NETWORK, reason="the attempt hangs"))

    def _over(self, attempt: _Attempt, outcome: Told | NotTold) -> None:
        notice, tries = attempt.notice, attempt.notice.tries + 1
        if self._under_way.get(notice.channel) is attempt:
            del self._under_way[notice.channel]
        elif isinstance(outcome, NotTold):
            return  # it was given up, and said so
        match outcome:
            case Told():
                told = NoticeTold(incident=notice.incident, channel=notice.channel, tries=tries, how=outcome)
                self._hear(told)
            case NotTold():
                failed = NoticeFailed(incident=notice.incident, channel=notice.channel, tries=tries, why=outcome)
                self._hear(failed)
