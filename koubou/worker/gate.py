"""The gate as an agent's gateway sees it from the worker: it asks the master over the wire, and waits for the word."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec.structs import replace

from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.wire.messages import CallDone, CallWanted


class Gate:
    """Asks for the calls of all runs of this worker; `say` sends a message to the master."""

    def __init__(self, say: Callable[[CallWanted | CallDone], None]) -> None:
        self._say = say
        self._tickets = 0
        self._waiting: dict[int, tuple[Wanted, asyncio.Future[Granted | Denied]]] = {}
        self._shut = False

    async def ask(self, wanted: Wanted) -> Granted | Denied:
        """Wait for the master's word. Its ticket is ours: gateways count for themselves."""
        if self._shut:
            return _gone(wanted)
        self._tickets += 1
        ticket = self._tickets
        word: asyncio.Future[Granted | Denied] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = (wanted, word)
        self._say(CallWanted(wanted=replace(wanted, ticket=ticket)))
        return replace(await word, ticket=wanted.ticket)

    def heard(self, answer: Granted | Denied) -> None:
        """The master's word. Whoever does not wait for it any more gives back what was held."""
        wanted, word = self._waiting.pop(answer.ticket, (None, None))
        if wanted is None or word is None:
            return
        if not word.done():
            word.set_result(answer)
        elif isinstance(answer, Granted):
            self.done(_unsent(wanted, answer.call))

    def done(self, result: CallResult) -> None:
        """A call has ended; a line says so already."""
        self._say(CallDone(result=result))

    def shut(self) -> None:
        """The master has gone: nothing further is let through."""
        self._shut = True
        for wanted, word in self._waiting.values():
            if not word.done():
                word.set_result(_gone(wanted))
        self._waiting.clear()


def _gone(wanted: Wanted) -> Denied:
    return Denied(ticket=wanted.ticket, why=Denial.STOP, message="the workshop has gone")


def _unsent(wanted: Wanted, call: str) -> CallResult:
    now = time.time_ns() // 1_000_000
    error = CallError(kind=ErrorClass.CANCELLED, message="the agent had hung up before it was let through")
    return CallResult(
        task=wanted.task, run=wanted.run, call=call, bill=Bill.NONE, error=error, started_at=now, finished_at=now
    )
