"""The worker's loop: hears assignments, runs them side by side, leaves records, says so, and leaves when it must."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from koubou import crash
from koubou.backends.opening import open_backend
from koubou.backends.port import Backend, CannotServe
from koubou.errors import ProtocolError
from koubou.model.call import ErrorClass
from koubou.model.instant import SECOND, Milliseconds
from koubou.rules.limits import AGENTS
from koubou.wire.messages import (
    AgentSays,
    Assign,
    Beat,
    CallDenied,
    CallGranted,
    Cancel,
    Finished,
    Ready,
    Retire,
    Started,
    ToWorker,
    Unable,
    Welcome,
)
from koubou.worker.complete import Completeness
from koubou.worker.doors import leashes_of, open_doors
from koubou.worker.gate import Gate
from koubou.worker.leave_record import keep_trying
from koubou.worker.line import Line
from koubou.worker.run import Run, now

if TYPE_CHECKING:
    from koubou.gateway.gateway import Gateway
    from koubou.leash.holding import Leashes

UNABLE = 3
"""Exit status of a worker that cannot work as it was told: to start another would not help."""

DAMAGED = 4
"""Exit status of a worker whose wire brought something that is no message; what was under way has its record."""

_WRITERS = 4
_GOODBYE = 2.0  # seconds for a master that does not read its wire any more


class Worker:
    """One process of the crew; `name` is what the master calls it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._runs: dict[tuple[str, int], Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="record")
        self._completeness = Completeness()
        self._leashes: Leashes | None = None
        self._gate = Gate(lambda message: self._line.say(message))
        self._doors: Mapping[str, Gateway] = {}
        self._patience = 0.0
        self._leave = asyncio.Event()
        self._hurry: asyncio.TimerHandle | None = None
        self._over_at = float("inf")
        self._grace: Milliseconds = 0
        self._status = 0
        self._welcome: asyncio.Future[Welcome | None] = asyncio.get_running_loop().create_future()
        self._line: Line
        self._backend: Backend

    async def serve(self, wire: socket.socket) -> int:
        """Work until told to leave, or until the wire ends; we have said hello. Returns the process's exit status."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._told_to_end)
        self._line = await Line.connect(wire, self._hear, self._wire_ended)
        try:
            welcome = await self._welcome
            if welcome is None:
                return 0
            # A call is paid for and may finish; an agent would go on making calls.
            self._patience = welcome.orphan_grace / SECOND
            self._grace = 0 if welcome.tier.executor.startswith(AGENTS) else welcome.orphan_grace
            self._leashes = leashes_of(welcome.tier)
            self._doors = await open_doors(welcome, self._gate)
            self._backend = open_backend(welcome.tier, welcome.api_keys, self._leashes, self._doors)
        except CannotServe as error:
            return await self._give_up(Unable(message=error.message, remedy=error.remedy))
        except ProtocolError as error:
            return await self._give_up(Unable(message=str(error), remedy="stop the workshop and start it again"))
        self._line.say(Ready())
        beats = loop.create_task(self._beat(welcome.beat_every))
        await self._leave.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)
        beats.cancel()
        await self._backend.close()
        for door in self._doors.values():
            await door.close()
        await self._line.close(_GOODBYE)
        self._writers.shutdown()
        return self._status

    def _hear(self, message: ToWorker) -> None:
        match message:
            case Assign():
                self._take(message)
            case Cancel(task=task, run=number):
                if (run := self._runs.get((task, number))) is not None:
                    run.stop(ErrorClass.CANCELLED)
            case CallGranted(granted=answer) | CallDenied(denied=answer):
                self._gate.heard(answer)
            case Retire(deadline=deadline):
                self._leave_within(None if deadline is None else deadline - now())
            case Welcome() if not self._welcome.done():
                self._welcome.set_result(message)

    def _take(self, assign: Assign) -> None:
        key = (assign.task, assign.run)
        if self._leave.is_set() or key in self._runs:
            return  # the master knows what a leaving worker has not finished, and gives it to another
        run = self._runs[key] = Run(
            assign,
            self._name,
            self._completeness,
            leashes=self._leashes,
            noted=lambda session, deeds: self._line.say(
                AgentSays(task=assign.task, run=assign.run, session=session, deeds=deeds)
            ),
        )
        task = asyncio.get_running_loop().create_task(self._carry_out(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, run: Run) -> None:
        assign = run.assign
        record = await run.carry_out(self._backend, lambda: self._line.say(Started(task=assign.task, run=assign.run)))
        record = await keep_trying(self._writers, assign.folder, record)
        del self._runs[assign.task, assign.run]
        crash.at("record.told")
        self._line.say(Finished(result=record.result))

    async def _beat(self, every: Milliseconds) -> None:
        while True:
            self._line.say(Beat(running=len(self._runs)))
            await asyncio.sleep(every / 1000)

    def _told_to_end(self) -> None:
        self._leave_within(self._grace)

    def _wire_ended(self, damage: ProtocolError | None) -> None:
        """The master died, or speaks what we do not: either way nothing new will come, and what is paid for is kept."""
        self._gate.shut()
        for door in self._doors.values():
            door.hurry(self._patience)
        if damage is not None:
            self._status = DAMAGED
            if not self._welcome.done():
                self._welcome.set_exception(damage)
        self._leave_within(self._grace)

    def _leave_within(self, limit: Milliseconds | None) -> None:
        """Take nothing new; let what is under way finish, for so long at most. Said twice, the shorter time counts."""
        self._leave.set()
        if not self._welcome.done():
            self._welcome.set_result(None)
        if limit is None:
            return
        loop = asyncio.get_running_loop()
        moment = loop.time() + max(0, limit) / 1000
        if moment < self._over_at:
            if self._hurry is not None:
                self._hurry.cancel()
            self._over_at = moment  # libuv's handle does not know its moment when that is now
            self._hurry = loop.call_at(moment, self._stop_all)

    def _stop_all(self) -> None:
        for run in self._runs.values():
            run.stop(ErrorClass.LOST)

    async def _give_up(self, word: Unable) -> int:
        self._line.say(word)
        await self._line.close(_GOODBYE)
        return UNABLE
