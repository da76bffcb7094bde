"""What all agents share: a door, rooms, a leash, events that are read as they come, and an ending that has a reason.

The bill of an agent is the sum of its calls, which the gateway settles one by one: the run itself costs nothing.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec.structs import replace

from koubou.backends.ending import error_of, is_ours
from koubou.backends.port import Answer, CannotServe, Door, Doors, Sink
from koubou.backends.rooms import make_rooms, sweep, take_over, write
from koubou.backends.transcript import TooManyDeeds, Transcript
from koubou.backends.visit import LOG, Launch, Visit, check_walls, command_of, hold, limits_of, visit_of
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Ended, Why
from koubou.model.call import Bill, CallError, ErrorClass
from koubou.model.tier import Tier
from koubou.rules.agent_events import Seen
from koubou.rules.provider_errors import plain_error
from koubou.rules.secrets.own_words import compiled
from koubou.sandbox.walls import NoWall

_STAYED = frozenset({Why.SETTLED, Why.IDLE, Why.WALL})
_LONGEST_LOG = 64 * MEGABYTE
_GO_ON = "You were interrupted. Look at what is done already, go on with the task and finish it.\n"


class Program(Protocol):
    """One kind of agent. `kept` are the folders below its home that a session lives in."""

    name: str
    kept: tuple[str, ...]

    def asks_more(self, body: Mapping[str, Any]) -> str:
        """What of the request must be said in words, behind the prompt."""

    async def launch(self, visit: Visit, leashes: Leashes) -> Launch:
        """Write its settings into its home, and say how it is started. Raises CannotServe."""

    def read(self, event: Mapping[str, Any]) -> Seen:
        """What one line of its output says."""


class AgentBackend:
    """Runs the tier's agent once for each request."""

    def __init__(self, tier: Tier, doors: Doors | None, program: Program, leashes: Leashes) -> None:
        if tier.agent is None or doors is None:
            raise CannotServe(f"tier {tier.name}: {program.name} has no settings", "start the workshop again")
        if shutil.which(tier.agent.program) is None:
            missing = tier.agent.program or program.name
            raise CannotServe(f"tier {tier.name}: there is no program {missing}", "install it with scripts/agents")
        check_walls(tier.name, tier.agent)
        self._tier = tier
        self._manner = tier.agent
        self._doors = doors
        self._program = program
        self._dangerous = tuple(compiled(text) for text in tier.agent.dangerous)
        self._leashes = leashes

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Run it to its end; nothing that it started lives when this returns, nor when it is cancelled."""
        async with self._doors.door(sink) as door:
            rooms = make_rooms(sink, body, add=self._program.asks_more(body))
            visit = visit_of(self._tier, self._manner, sink, rooms, body, door)
            try:
                return await self._visit(visit, door)
            except (CannotServe, NoWall) as error:
                return _failed(CallError(kind=ErrorClass.INTERNAL, message=str(error), code="cannot_serve"))
            finally:
                await asyncio.shield(asyncio.to_thread(sweep, sink.folder, self._program.kept))

    async def close(self) -> None:
        """Nothing is held."""

    async def _visit(self, visit: Visit, door: Door) -> Answer:
        """Resume where that can be; a session that the program does not take up again is begun anew."""
        resumed = await asyncio.to_thread(_resumed, visit, self._program.kept)
        if resumed is not None:
            ended, transcript = await self._run(resumed, door)
            if transcript.session is not None or door.calls > 0 or ended is None or ended.why is not Why.EXITED:
                return self._answer(resumed, door, ended, transcript)
            again = self._program.asks_more(visit.body)
            await asyncio.to_thread(sweep, visit.rooms.folder)
            make_rooms(visit.sink, visit.body, add=again)
        ended, transcript = await self._run(visit, door)
        return self._answer(visit, door, ended, transcript)

    async def _run(self, visit: Visit, door: Door) -> tuple[Ended | None, Transcript]:
        transcript = Transcript(
            self._program.read, visit.sink, dangerous=self._dangerous, dangerous_most=self._manner.dangerous_most
        )
        launch = await self._program.launch(visit, self._leashes)
        command = command_of(visit, launch, stdout=LOG)
        limits = limits_of(visit, launch, output=_LONGEST_LOG)
        try:
            ended = await hold(self._leashes, command, limits, transcript.take, door)
            transcript.finish()
        except TooManyDeeds as passed:
            transcript.error = passed.error
            return None, transcript
        return ended, transcript

    def _answer(self, visit: Visit, door: Door, ended: Ended | None, transcript: Transcript) -> Answer:
        said = transcript.error
        if door.hopeless and door.trouble is not None and door.trouble.kind is ErrorClass.SECRET:
            return _failed(door.trouble)  # however well it ended: from here on its task is confidential
        if ended is not None and transcript.over and said is None and _went_well(ended):
            visit.sink.write(transcript.text)
            return Answer(bill=Bill.NONE, finish_reason="stop", model=self._tier.model)
        if said is not None and said.kind is ErrorClass.OPERATIONS:
            return _failed(said)
        if ended is None:
            return _failed(door.trouble or plain_error(ErrorClass.CANCELLED))
        if is_ours(ended):
            return _failed(error_of(ended))
        if ended.why not in (Why.EXITED, Why.SETTLED):
            said = None  # what it says when it is stopped is that it was stopped
        return _failed(door.trouble or said or error_of(ended))


def _resumed(visit: Visit, kept: tuple[str, ...]) -> Visit | None:
    """The same run in the session of the earlier one; None where there is none, or nothing of it."""
    work = visit.sink.work
    if work is None or work.session is None or work.resumes is None:
        return None
    if not take_over(work.resumes, visit.rooms, kept):
        return None
    write(visit.rooms.prompt, _GO_ON)
    return replace(visit, session=work.session)


def _went_well(ended: Ended) -> bool:
    """Whether it ended as one that is done: who only stays, or is silent, after his last word has done his work."""
    return ended.why in _STAYED or (ended.why is Why.EXITED and ended.status == 0)


def _failed(error: CallError) -> Answer:
    return Answer(bill=Bill.NONE, error=error)
