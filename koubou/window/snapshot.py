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
    """The status at one moment, and as JSON: whole, and without accounts and the reasons of what is stopped."""

    shape: dict[str, Any]
    said: dict[str, Any]
    whole: bytes
    for_submitters: bytes
    at: float


class State:
    """What the master says of himself, asked once for all who want it; nothing where none answers."""

    def __init__(self, workshop: Workshop, readers: Readers) -> None:
        self._workshop = workshop
        self._readers = readers
        self._last: dict[str, Any] = {}
        self._at = float("-inf")
        self._asking: asyncio.Task[dict[str, Any]] | None = None

    async def look(self) -> dict[str, Any]:
        """As he said it within the last quarter of a second, or says it now."""
        if time.monotonic() - self._at < FRESH:
            return self._last
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        # Who hangs up takes the answer from nobody else.
        return await asyncio.shield(self._asking)

    async def _ask(self) -> dict[str, Any]:
        self._last = await self._readers.run(lambda: said_by_master(self._workshop))
        self._at = time.monotonic()
        return self._last


class Snapshot:
    """`status` begins a look where the last is too old, and waits for it only where there is none that is bearable."""

    def __init__(self, workshop: Workshop, readers: Readers, state: State) -> None:
        self._workshop = workshop
        self._readers = readers
        self._state = state
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
        said = await self._state.look()
        self._last = await self._readers.ask(lambda board: self._made(board, said))
        return self._last

    def _made(self, board: Reading, said: dict[str, Any]) -> Status:
        self.looks += 1
        shape = status_shape(self._workshop, board, said)
        bare = {name: value for name, value in shape.items() if name != "accounts"}
        bare["latches"] = dict.fromkeys(shape["latches"], "")
        return Status(shape=shape, said=said, whole=as_json(shape), for_submitters=as_json(bare), at=time.monotonic())


def _heard(looking: asyncio.Task[Status]) -> None:
    """A look that failed is told to who waits for the next one."""
    if not looking.cancelled():
        looking.exception()
