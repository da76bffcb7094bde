"""How the workshop stands, looked at once for all who watch: at most each quarter of a second."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from msgspec import Struct

from koubou.board.reading import Reading
from koubou.views.status import said_by_master, status_shape
from koubou.views.workshop import Workshop
from koubou.window.readers import Readers
from koubou.window.told import as_json

FRESH = 0.25
"""Seconds for which one look is enough."""
BEARABLE = 1.0
"""Seconds for which the last look is told while the next is under way: nobody waits for a busy master."""


class Status(Struct, frozen=True, kw_only=True):
    """The status at one moment, and the same as JSON: with its accounts, and without."""

    shape: dict[str, Any]
    said: dict[str, Any]
    whole: bytes
    without_money: bytes
    at: float


class Snapshot:
    """`status` begins a look where the last is too old, and waits for it only where there is none that is bearable."""

    def __init__(self, workshop: Workshop, readers: Readers) -> None:
        self._workshop = workshop
        self._readers = readers
        self._last: Status | None = None
        self._looking: asyncio.Task[Status] | None = None
        self.looks = 0

    async def status(self) -> Status:
        """How it stands. Raises BoardUnavailable."""
        age = float("inf") if self._last is None else time.monotonic() - self._last.at
        if self._last is not None and age < FRESH:
            return self._last
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        if self._last is not None and age < BEARABLE:
            self._looking.add_done_callback(_heard)
            return self._last
        # Who hangs up takes the look from nobody else.
        return await asyncio.shield(self._looking)

    async def _look(self) -> Status:
        self._last = await self._readers.ask(self._made)
        return self._last

    def _made(self, board: Reading) -> Status:
        self.looks += 1
        said = said_by_master(self._workshop)
        shape = status_shape(self._workshop, board, said)
        bare = {name: value for name, value in shape.items() if name != "accounts"}
        return Status(shape=shape, said=said, whole=as_json(shape), without_money=as_json(bare), at=time.monotonic())


def _heard(looking: asyncio.Task[Status]) -> None:
    """A look that failed is told to who waits for the next one."""
    if not looking.cancelled():
        looking.exception()
