"""What happens, told to all who watch: one question to the board for everybody, and a bounded queue for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from koubou.board.happened import Happening
from koubou.board.reading import Reading
from koubou.errors import BoardUnavailable
from koubou.model.access import Caller, Role, Scope
from koubou.model.instant import iso
from koubou.model.task import Sensitivity
from koubou.rules.access import reach_of, sees_text
from koubou.window.readers import Readers
from koubou.window.told import SESSION, as_json, reads_all

Told = Sequence[tuple[int, bytes]]
"""Lines by their ids, as JSON."""

AT_ONCE = 500
"""Lines of one question."""
QUEUED = 1_000
"""Lines that a watcher may be behind; who is further behind is let go, and comes back for the rest."""
_LOOK_EVERY = 0.1
_FAULT_PAUSE = 1.0


class Batch:
    """Lines that came together, as JSON: made once for all who see the same of them."""

    def __init__(self, lines: Sequence[Happening]) -> None:
        self.lines = lines
        self._told: dict[tuple[Role, int, bool], Told] = {}

    def to(self, caller: Caller) -> Told:
        """What somebody may have of them, without the words that he may not read."""
        eyes = caller.role, caller.uid, caller.house
        if eyes not in self._told:
            seen = ((line.id, _told(line, caller)) for line in self.lines)
            self._told[eyes] = [(number, said) for number, said in seen if said is not None]
        return self._told[eyes]


def _told(line: Happening, caller: Caller) -> bytes | None:
    """A line as somebody may have it; None of what he may not know of."""
    match reach_of(caller, "events"):
        case Scope.NONE:
            return None
        case Scope.OWN if line.owner != caller.uid:
            return None
    secret = line.sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)
    if line.task is None:
        legible = reads_all(caller) or SESSION not in line.reason
    else:
        legible = sees_text(caller, line.owner or 0, confidential=secret)
    return as_json(_shape(line, line.reason if legible else ""))


class Watcher:
    """One who watches: what he has not got yet, and whether he fell too far behind."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._behind = 0
        self._is_lost = False

    def take(self, batch: Batch) -> None:
        """More lines; too many end it."""
        if self._is_lost:
            return
        self._behind += len(batch.lines)
        if self._behind > QUEUED:
            self.let_go()
        else:
            self._queue.put_nowait(batch)

    def let_go(self) -> None:
        """End it: what he has not got yet he asks for again."""
        self._is_lost = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self, patience: float) -> Batch | None:
        """What comes next; None at the end. Raises TimeoutError after so many seconds without anything."""
        async with asyncio.timeout(patience):
            batch = await self._queue.get()
        self._behind -= 0 if batch is None else len(batch.lines)
        return batch


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

    async def follow(self, caller: Caller, after: int | None, beat: float) -> AsyncGenerator[Told]:
        """What happens after a line (None = from now on), by lines that come together; no lines after `beat` seconds.

        Ends for who is too slow. Raises BoardUnavailable where the board cannot be read at the beginning.
        """
        watcher = Watcher()
        head = await self._join(watcher)
        try:
            if after is not None and after < head:
                async for batch in self._past(after, head):
                    if past := batch.to(caller):
                        yield past
            loop = asyncio.get_running_loop()
            told_at = loop.time()
            while True:
                told: Told = []
                try:
                    now = await watcher.next(told_at + beat - loop.time())
                except TimeoutError:
                    pass
                else:
                    if now is None:
                        return
                    if not (told := now.to(caller)):
                        continue  # nothing of it is for him
                told_at = loop.time()
                yield told
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

    async def _past(self, after: int, head: int) -> AsyncIterator[Batch]:
        while after < head:
            lines = await self._readers.ask(_asked(after))
            yield Batch([line for line in lines if line.id <= head])
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
            except Exception:
                self.let_go()  # nobody waits for what nobody looks for: who comes back begins anew
                raise
            self.looks += 1
            if lines:
                batch = Batch(lines)
                for watcher in self._watchers:
                    watcher.take(batch)
                self._head = lines[-1].id
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
