"""Asks GitHub whether a person has closed the issue of a tier that is stopped for its session; the turn decides.

Asked in a thread, at most once a minute for all of them, later where GitHub wants that; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.model.heard import IssueClosed
from koubou.model.instant import SECOND
from koubou.model.notice import GithubWay, View, Views, Watched
from koubou.notices.closing import look_at_issues
from koubou.rules.notice import wait_before_look

_GIVEN_UP_AFTER = 90.0
"""Seconds; a look ends itself long before, unless its thread hangs."""


class Closings:
    """`look` may be called as often as one likes; `hear` gets each issue that was closed."""

    def __init__(self, board: Board, journal: Journal, *, hear: Callable[[IssueClosed], None]) -> None:
        self._board = board
        self._journal = journal
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._known: dict[int, View] = {}
        self._not_before = self._given_up_at = self._loop.time()
        self._under_way: Sequence[Watched] | None = None
        self._failures = 0

    def look(self, way: GithubWay | None) -> None:
        """Begin a look where there is something to see and its time has come; return at once."""
        now = self._loop.time()
        if way is None or way.problem is not None or now < self._not_before:
            return
        if self._under_way is not None and now < self._given_up_at:
            return
        with suppress(BoardUnavailable), self._board.reachable():
            watched = self._board.notices.watched()
            self._known = {each.issue: self._known[each.issue] for each in watched if each.issue in self._known}
            if watched:
                self._begin(way, watched)

    def _begin(self, way: GithubWay, watched: Sequence[Watched]) -> None:
        self._under_way, self._given_up_at = watched, self._loop.time() + _GIVEN_UP_AFTER
        known = {each.issue: self._known.get(each.issue) for each in watched}

        def ask() -> None:
            views = look_at_issues(way, known)
            with suppress(RuntimeError):  # the loop is closed: nobody is there any more
                self._loop.call_soon_threadsafe(self._seen, watched, views)

        try:
            threading.Thread(target=ask, name="closings", daemon=True).start()
        except RuntimeError:  # no thread to be had: the next second may have one
            self._under_way = None

    def _seen(self, watched: Sequence[Watched], views: Views) -> None:
        if self._under_way is not watched:
            return  # it was given up
        self._under_way = None
        self._known.update(views.seen)
        for each in watched:
            view = views.seen.get(each.issue)
            if view is not None and view.closed:
                self._hear(IssueClosed(incident=each.incident, circuit=each.circuit, issue=each.issue))
        self._failures = 0 if views.trouble is None else self._failures + 1
        if views.trouble is not None and self._failures == 1:
            reason = f"whether issues were closed is not to be seen: {views.trouble.reason}"
            self._journal.say("guardian.unreachable", "warning", channel="github", reason=reason)
        wait = wait_before_look(views, self._failures)
        self._not_before = self._loop.time() + wait / SECOND
