"""Settings and keys are read anew for everybody who asks, and each gets a reading that began after he asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.master.crew import Crew
from koubou.master.reception import Reception
from koubou.master.reloading import Problems, Reloading
from koubou.model.access import Caller, Role


def test_who_asks_while_one_reading_is_under_way_shares_the_next() -> None:
    async def drill() -> None:
        readings, may = 0, asyncio.Event()

        async def read() -> Problems:
            nonlocal readings
            readings += 1
            number = readings
            await may.wait()
            return [str(number)]

        reloading = Reloading(read)
        first = reloading.ask()
        assert reloading.ask() is first, "it has not begun yet"
        while not readings:
            await asyncio.sleep(0)
        later = [reloading.ask() for _ in range(5)]
        may.set()
        assert await asyncio.wait_for(first, 10) == ["1"]
        assert [await asyncio.wait_for(each, 10) for each in later] == [["2"]] * 5
        assert readings == 2

    asyncio.run(drill())


def test_a_reading_that_fails_does_not_stand_in_the_way_of_the_next() -> None:
    async def drill() -> None:
        faults: list[Exception] = [BoardUnavailable("the disk is full")]

        async def read() -> Problems:
            if faults:
                raise faults.pop()
            return []

        reloading = Reloading(read)
        assert (await ask(reloading, operator=True))["error"]["kind"] == "unavailable"
        assert await ask(reloading, operator=True) == {"ok": {"problems": []}}

    asyncio.run(drill())


def test_only_an_operator_may_have_keys_read_anew() -> None:
    async def drill() -> None:
        async def read() -> Problems:
            raise AssertionError("it was read for a stranger")

        assert (await ask(Reloading(read), operator=False))["error"]["kind"] == "not_allowed"

    asyncio.run(drill())


async def ask(reloading: Reloading, *, operator: bool) -> Mapping[str, Any]:
    reception = Reception(cast(Board, None), cast(Crew, None), hear=lambda _: None, reload=reloading.ask)
    role = Role.OPERATOR if operator else Role.SUBMITTER
    caller = Caller(actor="somebody", role=role, uid=1000, source="socket")
    return await asyncio.wait_for(reception.ask("reload", caller, {}), 10)
