"""The worker's side of the gate: whoever waits gets his own word, and what nobody wants any more is given back."""

from __future__ import annotations

import asyncio

from koubou.model.call import Bill
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.wire.messages import CallDone, CallWanted
from koubou.worker.gate import Gate


def wanted(ticket: int = 7, **changes: object) -> Wanted:
    """A call that waits."""
    return Wanted(**{"task": "t", "run": 1, "ticket": ticket, "tier": "high", "input_tokens": 5, **changes})  # type: ignore[arg-type]


async def asked(gate: Gate, said: list[CallWanted | CallDone], call: Wanted) -> tuple[asyncio.Task[object], int]:
    """Ask, and the ticket under which the master hears of it."""
    asking = asyncio.ensure_future(gate.ask(call))
    await asyncio.sleep(0)
    word = said[-1]
    assert isinstance(word, CallWanted)
    return asking, word.wanted.ticket


def test_each_gets_its_own_word_under_its_own_ticket() -> None:
    async def run() -> None:
        said: list[CallWanted | CallDone] = []
        gate = Gate(said.append)
        first, one = await asked(gate, said, wanted(7))
        second, two = await asked(gate, said, wanted(7, task="u"))
        assert one != two
        gate.heard(Denied(ticket=two, why=Denial.RATE, message="soon", wait=5))
        gate.heard(Granted(ticket=one, call="c", cap=9))
        assert await first == Granted(ticket=7, call="c", cap=9)
        assert await second == Denied(ticket=7, why=Denial.RATE, message="soon", wait=5)

    asyncio.run(run())


def test_what_was_granted_to_one_who_went_away_is_given_back() -> None:
    async def run() -> None:
        said: list[CallWanted | CallDone] = []
        gate = Gate(said.append)
        asking, ticket = await asked(gate, said, wanted())
        asking.cancel()
        await asyncio.sleep(0)
        gate.heard(Granted(ticket=ticket, call="c", cap=9))
        word = said[-1]
        assert isinstance(word, CallDone)
        assert (word.result.call, word.result.bill, word.result.task) == ("c", Bill.NONE, "t")
        gate.heard(Granted(ticket=ticket, call="c", cap=9))
        assert len(said) == 2

    asyncio.run(run())


def test_without_a_master_nothing_is_let_through() -> None:
    async def run() -> None:
        said: list[CallWanted | CallDone] = []
        gate = Gate(said.append)
        asking, _ = await asked(gate, said, wanted())
        gate.shut()
        for word in (await asking, await gate.ask(wanted(8))):
            assert isinstance(word, Denied)
            assert word.why is Denial.STOP
        assert len(said) == 1

    asyncio.run(run())
