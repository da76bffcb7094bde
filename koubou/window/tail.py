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
from koubou.window.told import as_json, reads_all

AT_ONCE = 500
"""Lines of one question."""
QUEUED = 1_000
"""Lines that a watcher may be behind; who is further behind is let go, and comes back for the rest."""
_LOOK_EVERY = 0.1
_SESSION = "session:"
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
        if line.task is None and _SESSION in line.reason and not reads_all(caller):
            return self._without_words()
        secret = line.sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)
        if line.task is None or sees_text(caller, line.owner or 0, confidential=secret):
            self._whole = self._whole or as_json(_shape(line, line.reason))
            return self._whole
        return self._without_words()

    def _without_words(self) -> bytes:
        self._bare = self._bare or as_json(_shape(self.line, ""))
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


class _Beats:
    """A moment each so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.next = asyncio.get_running_loop().time() + seconds

    def is_due(self) -> bool:
        """Whether it is time; then the next one is so many seconds from now."""
        present = asyncio.get_running_loop().time()
        if present < self.next:
            return False
        self.next = present + self._seconds
        return True


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
        """What happens after a line (None = from now on), as (id, JSON); None each `beat` seconds.

        Ends for who is too slow. Raises BoardUnavailable where the board cannot be read at the beginning.
        """
        watcher = Watcher(caller)
        head = await self._join(watcher)
        beats = _Beats(beat)
        try:
            async for said in self._lines(watcher, after, head, beats):
                if said is not None and (told := said.to(caller)) is not None:
                    yield said.line.id, told
                if beats.is_due():
                    yield None
        finally:
            self._leave(watcher)

    async def _lines(self, watcher: Watcher, after: int | None, head: int, beats: _Beats) -> AsyncIterator[Said | None]:
        """The lines that are there, then those that come; None when it is time for a beat."""
        if after is not None and after < head:
            async for said in self._past(after, head):
                yield said
        while True:
            try:
                async with asyncio.timeout_at(beats.next):
                    now = await watcher.queue.get()
            except TimeoutError:
                yield None
                continue
            if now is None:
                return
            yield now

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
