"""How many bytes of requests a run may have with us at a time: an agent must not fill the memory of its worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_MOST = 64 * 1024 * 1024
"""Two of the largest requests, or hundreds of those that agents make."""


class Room:
    """One run's. What does not fit waits outside: its bytes stay with the kernel, and slow down whoever sends them."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._taken = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Room for so many bytes, for as long as this lasts. One that is larger than all of it is let in alone."""
        while self._taken and self._taken + size > self._most:
            self._freed.clear()
            await self._freed.wait()
        self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            self._freed.set()
