"""What happens, told to all who watch: one question to the board for everybody, and a bounded queue for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from koubou.board.happened import Happening
from koubou.board.reading import Reading
from koubou.errors import BoardUnavailable
from koubou.model.access import Caller, Scope
from koubou.model.instant import iso
from koubou.model.task import Sensitivity
from koubou.rules.access import reach_of, sees_text
from koubou.window.readers import Readers
from koubou.window.told import as_json

AT_ONCE = 500
"""Lines of one question."""
QUEUED = 1_000
"""Lines that a watcher may be behind; who is further behind is let go, and comes back for the rest."""
_LOOK_EVERY = 0.1
_FAULT_PAUSE = 1.0


class Said:
    """A line as JSON, made once for all who see all of it, and once for those who may not read its words."""

    def __init__(self, line: Happening) -> None:
        self.line = line
        self._whole: bytes | None = None
        self._bare: bytes | None = None

    def to(self, caller: Caller) -> bytes | None:
        """As somebody may have it; None of what he may not know of."""
        line = self.line
        match reach_of(caller, "events"):
            case Scope.NONE:
                return None
            case Scope.OWN if line.owner != caller.uid:
                return None
        secret = line.sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)
        if line.task is None or sees_text(caller, line.owner or 0, confidential=secret):
            self._whole = self._whole or as_json(_shape(line, line.reason))
            return self._whole
        self._bare = self._bare or as_json(_shape(line, ""))
        return self._bare


class Watcher:
    """One who watches: his queue, and whether he fell too far behind."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.queue: asyncio.Queue[Said | None] = asyncio.Queue(QUEUED)
        self.is_lost = False

    def take(self, said: Said) -> None:
        """One more line; a queue that is full ends it."""
        if self.is_lost:
            return
        try:
            self.queue.put_nowait(said)
        except asyncio.QueueFull:
            self.let_go()

    def let_go(self) -> None:
        """End it: what he has not got yet he asks for again."""
        self.is_lost = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Tail:
    """Looks while somebody watches, and not otherwise."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._watchers: set[Watcher] = set()
        self._head = 0
        self._looking: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.looks = 0

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    async def follow(
        self, caller: Caller, after: int | None, beat: float
    ) -> AsyncGenerator[tuple[int, bytes] | None, None]:
        """What happens after a line (None = from now on), as (id, JSON); None each `beat` seconds without any.

        Ends for who is too slow. Raises BoardUnavailable where the board cannot be read at the beginning.
        """
        watcher = Watcher(caller)
        head = await self._join(watcher)
        try:
            if after is not None and after < head:
                async for said in self._past(after, head):
                    if (told := said.to(caller)) is not None:
                        yield said.line.id, told
            while True:
                try:
                    now = await asyncio.wait_for(watcher.queue.get(), beat)
                except TimeoutError:
                    yield None
                    continue
                if now is None:
                    return
                if (told := now.to(caller)) is not None:
                    yield now.line.id, told
        finally:
            self._leave(watcher)

    def let_go(self) -> None:
        """Let everybody go."""
        for watcher in self._watchers:
            watcher.let_go()

    async def close(self) -> None:
        """Let everybody go."""
        self.let_go()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _join(self, watcher: Watcher) -> int:
        """From now on he is told; the line up to which he is not."""
        async with self._starting:
            if self._looking is None or self._looking.done():
                self._head = await self._readers.ask(lambda board: board.happened.newest())
                self._looking = asyncio.create_task(self._look())
            self._watchers.add(watcher)
            return self._head

    def _leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _past(self, after: int, head: int) -> AsyncIterator[Said]:
        while after < head:
            lines = await self._readers.ask(_asked(after))
            for line in lines:
                if line.id > head:
                    return
                yield Said(line)
            if len(lines) < AT_ONCE:
                return
            after = lines[-1].id

    async def _look(self) -> None:
        while True:
            try:
                lines = await self._readers.ask(_asked(self._head))
            except BoardUnavailable:
                await asyncio.sleep(_FAULT_PAUSE)
                continue
            self.looks += 1
            for said in map(Said, lines):
                for watcher in self._watchers:
                    watcher.take(said)
                self._head = said.line.id
            if len(lines) < AT_ONCE:
                await asyncio.sleep(_LOOK_EVERY)


class _asked:  # noqa: N801 - reads as a question
    """The question for the lines after one."""

    def __init__(self, after: int) -> None:
        self._after = after

    def __call__(self, board: Reading) -> Sequence[Happening]:
        return board.happened.after(self._after, AT_ONCE)


def _shape(line: Happening, reason: str) -> dict[str, Any]:
    return {
        "id": line.id,
        "at": iso(line.at),
        "event": line.event,
        "task": line.task,
        "status": line.status,
        "reason": reason,
        "actor": line.actor,
        "source": line.source,
    }
