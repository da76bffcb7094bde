"""Two agents at the same work, side by side, each in a folder of its own; one of them has the last word.

The work of the one that is chosen takes the place of the run's, so that whoever looks there finds what the answer says.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from koubou.backends.part import Part, Whole
from koubou.backends.port import Answer, Backend, CannotServe, Doors, Sink
from koubou.backends.rooms import conversation, sweep
from koubou.backends.trial import passes
from koubou.backends.verdict import best_of
from koubou.leash.holding import Leashes
from koubou.model.call import Bill, CallError, ErrorClass
from koubou.model.tier import Tier

_WORK = "work"
Ended = tuple[Part, Answer]


class HybridBackend:
    """Runs the tier's members for each request, and joins what they bring."""

    def __init__(
        self, tier: Tier, members: Mapping[str, Backend], doors: Mapping[str, Doors], leashes: Leashes
    ) -> None:
        """`members` and their `doors` by the names of their tiers. Raises CannotServe for less than two."""
        if len(tier.members) < 2:
            raise CannotServe(f"tier {tier.name}: a hybrid tier needs two members", "name them in its `of`")
        self._tier = tier
        self._members = members
        self._doors = doors
        self._leashes = leashes

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Have all work until one is chosen; nothing of any lives when this returns, nor when it is cancelled."""
        if sink.work is not None and not sink.work.isolate:
            message = "several agents cannot work in one folder: leave isolate on, or name one tier"
            return _failed(CallError(kind=ErrorClass.BAD_REQUEST, message=message, code="isolate"))
        whole = Whole(sink, [member.name for member in self._tier.members])
        parts = [Part(whole, member) for member in self._tier.members]
        await asyncio.to_thread(_share_out, sink.folder, parts)
        working = {asyncio.create_task(self._work(part, body)): part for part in parts}
        try:
            ended = await (_all(working) if self._tier.join == "pick" else _until_one(working))
        finally:
            await _end(working)
        return await self._choose(sink, body, ended)

    async def close(self) -> None:
        """Close the members."""
        for member in self._members.values():
            await member.close()

    async def _work(self, part: Part, body: Mapping[str, Any]) -> Answer:
        return await self._members[part.tier.name].answer({**body, "model": part.tier.model}, part)

    async def _choose(self, sink: Sink, body: Mapping[str, Any], ended: Sequence[Ended]) -> Answer:
        well = [(part, answer) for part, answer in ended if answer.error is None]
        if not well:
            return ended[0][1]
        part, answer = await self._best(well, sink, body)
        await asyncio.to_thread(_take_over, sink.folder, part.folder)
        sink.write(part.text)
        return replace(answer, bill=Bill.NONE)

    async def _best(self, well: Sequence[Ended], sink: Sink, body: Mapping[str, Any]) -> Ended:
        """Whose work alone passes the test; where it does not decide a model does, and else the order of the settings.

        Who is first of several that came in at once is a matter of order alone.
        """
        if self._tier.join != "pick":
            return well[0]
        if len(well) > 1 and self._tier.test:
            well = [each for each in well if await passes(self._tier.test, each[0], self._leashes)] or well
        if len(well) == 1:
            return well[0]
        parts = [part for part, _ in well]
        before = os.path.join(sink.folder, _WORK)
        best = await best_of(parts, conversation(body), before, self._doors[parts[0].tier.name])
        return well[best or 0]


async def _all(working: Mapping[asyncio.Task[Answer], Part]) -> list[Ended]:
    await asyncio.wait(working)
    return [(part, task.result()) for task, part in working.items()]


async def _until_one(working: Mapping[asyncio.Task[Answer], Part]) -> list[Ended]:
    """Until one has an answer, or none has; in the order of the settings."""
    left = set(working)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        if any(task.result().error is None for task in done):
            break
    return [(part, task.result()) for task, part in working.items() if task.done()]


async def _end(working: Mapping[asyncio.Task[Answer], Part]) -> None:
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)


def _share_out(folder: str, parts: Sequence[Part]) -> None:
    """Each gets a copy of what there is to work on, as the run found it."""
    source = os.path.join(folder, _WORK)
    for part in parts:
        os.makedirs(part.folder, mode=0o700, exist_ok=True)
        target = os.path.join(part.folder, _WORK)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True)
        else:
            os.makedirs(target, mode=0o700)


def _take_over(folder: str, chosen: str) -> None:
    """What the chosen one left stands where the run's work stood."""
    work = os.path.join(folder, _WORK)
    shutil.rmtree(work, ignore_errors=True)
    os.rename(os.path.join(chosen, _WORK), work)
    sweep(chosen)


def _failed(error: CallError) -> Answer:
    return Answer(bill=Bill.NONE, error=error)
