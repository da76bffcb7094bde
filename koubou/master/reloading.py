"""Taking the settings anew, one time after the other: who asks gets a reading that begins after he asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from koubou.journal import Journal

Problems = Sequence[str]
"""Why the old settings were kept; empty when the new ones are in force."""


def refused(journal: Journal, problems: Problems) -> Problems:
    """The same, told in the journal one by one."""
    for problem in problems:
        journal.say("system.reload_refused", "error", reason=problem)
    return problems


class Reloading:
    """Whoever asks while one reading is under way shares the next one with all others who do."""

    def __init__(self, reload: Callable[[], Awaitable[Problems]]) -> None:
        self._reload = reload
        self._under_way: asyncio.Task[Problems] | None = None
        self._next: asyncio.Task[Problems] | None = None

    def ask(self) -> asyncio.Task[Problems]:
        """The reading that begins now, or after the one that has begun already."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._after(self._under_way))
        return self._next

    async def _after(self, earlier: asyncio.Task[Problems] | None) -> Problems:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._under_way, self._next = self._next, None
        return await self._reload()
