"""Threads for what would keep the loop waiting: questions to the board, words with the master, and reading drafts.

Each kind has threads of its own: an estimate that takes long, or a master that does not answer, stops no other reads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from koubou.board.reading import Reading
from koubou.views.workshop import Workshop
from koubou.window.places import Places
from koubou.window.problems import Trouble

T = TypeVar("T")

_THREADS = 4
_IN_LINE = 32


class Lane:
    """One kind of long work: few threads, and a line before them of which nobody takes more than a quarter."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._line = Places(_IN_LINE)

    async def do(self, who: str, deed: Callable[[], T]) -> T:
        """What somebody wants to have done. Raises Trouble (503) where too much of it waits."""
        if not self._line.take(who):
            raise Trouble(503, "too_many", "too much of this waits already", headers={"retry-after": "5"})
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, deed)
        finally:
            self._line.leave(who)

    def close(self) -> None:
        """Let what is under way finish."""
        self._pool.shutdown(cancel_futures=True)


class Readers:
    """Short questions: each is one or a few pictures of the board, and none waits with the board open."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._boards = ThreadPoolExecutor(_THREADS, "reader")
        self._deeds = ThreadPoolExecutor(_THREADS, "deed")
        self.drafts = Lane(2, "draft")
        self.estimates = Lane(1, "estimate")  # each holds a board in memory
        self._mine = threading.local()
        self._open: list[Reading] = []

    async def ask(self, question: Callable[[Reading], T]) -> T:
        """What a question brings. Raises what the question raises, and BoardUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._boards, lambda: question(self._board()))

    async def run(self, deed: Callable[[], T]) -> T:
        """Something else that would keep the loop waiting: a file, or a word with the master."""
        return await asyncio.get_running_loop().run_in_executor(self._deeds, deed)

    def close(self) -> None:
        """Let what is under way finish, and close every connection."""
        self.estimates.close()
        self.drafts.close()
        self._deeds.shutdown()
        self._boards.shutdown()
        for board in self._open:
            board.close()

    def _board(self) -> Reading:
        served = self._workshop.served
        known: tuple[Reading, bool] | None = getattr(self._mine, "board", None)
        # A board that was opened while nobody served it is a still picture.
        if known is not None and known[1] and served:
            return known[0]
        if known is not None:
            self._open.remove(known[0])
            known[0].close()
            self._mine.board = None
        board = self._workshop.open_board(served=served)
        self._open.append(board)
        self._mine.board = (board, served)
        return board
