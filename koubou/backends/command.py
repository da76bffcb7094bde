"""A program of the operator's answers: the conversation on its standard input, the answer on its standard output.

It runs in rooms of its own, sees no environment but its own, and lives on a leash. Where its tier has a server it makes
its calls through the gateway, and they are its bill. Else what it cost is what it says by the patterns of the settings;
where it says nothing, its call is settled at what was held, which is nothing where the tier is free.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
from collections.abc import Mapping
from typing import Any

from koubou.backends.ending import error_of, is_ours
from koubou.backends.port import Answer, CannotServe, Door, Doors, Sink
from koubou.backends.rooms import make_rooms, sweep, write
from koubou.backends.visit import Launch, Visit, check_walls, command_of, hold, limits_of, visit_of
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Ended, Why
from koubou.model.agent import Manner
from koubou.model.call import Bill, CallError, ErrorClass, Usage
from koubou.model.tier import Tier
from koubou.rules.provider_errors import plain_error
from koubou.rules.secrets.own_words import compiled
from koubou.rules.usage_said import usage_said
from koubou.sandbox.walls import NoWall

_LONGEST = 16 * MEGABYTE
_TAIL = 64 * 1024
"""Bytes of what it said last in which its usage is looked for."""
_STDOUT = "stdout.txt"
_PROMPT = "prompt.txt"
_BARE = Manner(sandbox=False)


class CommandBackend:
    """Runs the tier's command once for each request."""

    def __init__(self, tier: Tier, leashes: Leashes, doors: Doors | None = None) -> None:
        found = shutil.which(tier.command[0]) if tier.command else None
        if found is None:
            program = tier.command[0] if tier.command else tier.executor
            raise CannotServe(f"tier {tier.name}: there is no program {program}", "mend argv of its command")
        self._tier = tier
        self._manner = tier.agent or _BARE
        check_walls(tier.name, self._manner)
        self._argv = (os.path.abspath(found), *tier.command[1:])
        self._doors = doors if tier.base_url else None
        self._patterns = tuple(compiled(text) for text in self._manner.usage)
        self._leashes = leashes

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Run it to its end; nothing that it started lives when this returns, nor when it is cancelled."""
        try:
            if self._doors is None:
                return await self._visit(body, sink, None)
            async with self._doors.door(sink) as door:
                return await self._visit(body, sink, door)
        except NoWall as error:
            message = CallError(kind=ErrorClass.INTERNAL, message=str(error), code="cannot_serve")
            return Answer(bill=Bill.NONE, error=message)
        finally:
            await asyncio.shield(asyncio.to_thread(sweep, sink.folder))

    async def close(self) -> None:
        """Nothing is held."""

    async def _visit(self, body: Mapping[str, Any], sink: Sink, door: Door | None) -> Answer:
        rooms = make_rooms(sink, body)
        visit = visit_of(self._tier, self._manner, sink, rooms, body, door)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")

        def take(data: bytes) -> bool:
            sink.write(decoder.decode(data))
            return False  # a plain command has no last record but its end

        if door is None:
            sink.sent()
        launch = self._launch(visit)
        command = command_of(visit, launch, stdout=_STDOUT)
        ended = await hold(self._leashes, command, limits_of(visit, launch, output=_LONGEST), take, door)
        sink.write(decoder.decode(b"", final=True))
        return self._answer(visit, ended)

    def _launch(self, visit: Visit) -> Launch:
        last: tuple[str, ...] = ()
        if self._manner.prompt_in_file:
            with open(visit.rooms.prompt, encoding="utf-8") as file:
                write(os.path.join(visit.rooms.home, _PROMPT), file.read())
            last = (f"{visit.home}/{_PROMPT}",)
        program = os.path.realpath(self._argv[0])
        return Launch(argv=(*self._argv, *last), environment=_way_to_its_model(visit), readable=(program,))

    def _answer(self, visit: Visit, ended: Ended | None) -> Answer:
        door = visit.door
        if ended is None:
            trouble = door.trouble if door is not None else None
            return Answer(bill=Bill.NONE, error=trouble or plain_error(ErrorClass.CANCELLED))
        usage = None if door is not None else self._usage(visit.rooms.folder)
        bill = Bill.NONE if door is not None or ended.why is Why.NOT_STARTED else Bill.UNKNOWN
        if usage is not None:
            bill = Bill.REPORTED
        # Programs end well with the refusal as their last word: what was kept from its model is not done.
        kept_back = door is not None and door.hopeless
        if ended.why is Why.EXITED and ended.status == 0 and ended.stdout and not kept_back:
            return Answer(bill=bill, usage=usage, finish_reason="stop", model=self._tier.model)
        trouble = None if door is None or is_ours(ended) else door.trouble
        return Answer(bill=bill, usage=usage, error=trouble or error_of(ended))

    def _usage(self, folder: str) -> Usage | None:
        if not self._patterns:
            return None
        texts = (_tail(os.path.join(folder, name)) for name in ("stderr.txt", _STDOUT))
        return usage_said("\n".join(texts), self._patterns)


def _way_to_its_model(visit: Visit) -> dict[str, str]:
    """Where the usual libraries look for the address and the key of a model: ours, and the run's token."""
    if visit.door is None:
        return {}
    token = visit.door.token
    return {
        "OPENAI_BASE_URL": f"{visit.base_url}/v1",
        "OPENAI_API_KEY": token,
        "ANTHROPIC_BASE_URL": visit.base_url,
        "ANTHROPIC_API_KEY": token,
    }


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
