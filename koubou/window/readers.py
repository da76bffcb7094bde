"""Questions to the board, each in one of a few threads with a read-only connection of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from koubou.board.reading import Reading
from koubou.views.workshop import Workshop

T = TypeVar("T")

_THREADS = 4


class Readers:
    """Short questions only: each is one or a few pictures of the board, and none waits with the board open."""

    def __init__(self, workshop: Workshop, threads: int = _THREADS) -> None:
        self._workshop = workshop
        self._pool = ThreadPoolExecutor(threads, "reader")
        self._mine = threading.local()
        self._open: list[Reading] = []

    async def ask(self, question: Callable[[Reading], T]) -> T:
        """What a question brings. Raises what the question raises, and BoardUnavailable."""
        return await self.run(lambda: question(self._board()))

    async def run(self, deed: Callable[[], T]) -> T:
        """Something else that would keep the loop waiting: a file, or a word with the master."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, deed)

    def close(self) -> None:
        """Let what is under way finish, and close every connection."""
        self._pool.shutdown()
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
