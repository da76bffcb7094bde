"""Servers behind open circuits are asked how they are, and none of them keeps the workshop, whatever it does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from koubou.backends.health import MISSING
from koubou.board import Board, open_in_memory
from koubou.master import checking as module
from koubou.master.checking import Checking
from koubou.master.crew import Crew
from koubou.model.call import ErrorClass
from koubou.model.circuit import BreakerRules, Circuit, Health
from koubou.model.heard import Checked
from koubou.model.tier import Tier
from koubou.rules.breaker import circuit_of, opened
from koubou.rules.provider_errors import plain_error, read_error
from tests.builders import NOW, a_tier

RULES = BreakerRules()
DUE = NOW + RULES.wait
WELL = Health(well=True, reason="it says that it is well")
TIER = a_tier("medium", base_url="http://127.0.0.1:9/v1")


@dataclass
class Server:
    """Answers when it may, and knows how it was asked."""

    may: threading.Event = field(default_factory=threading.Event)
    asked: list[bool] = field(default_factory=list)
    says: Callable[[], Health] = lambda: WELL

    def ask(self, tier: Tier, key: str | None, *, needs_model: bool) -> Health:
        assert (tier, key) == (TIER, "key")
        assert threading.current_thread().daemon, "nobody waits for its end"
        self.asked.append(needs_model)
        assert self.may.wait(20)
        return self.says()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setattr(module, "ask_health", server.ask)
    yield server
    server.may.set()


def a_checking(heard: list[Checked], reason: str = "it is broken") -> Checking:
    board = Board(open_in_memory())
    board.circuits.put(opened(Circuit(name=circuit_of(TIER)), reason, RULES, NOW))
    workshop = SimpleNamespace(keys={"medium": ("key",)})
    crew: Any = SimpleNamespace(endpoints={}, workshop=workshop, tiers=lambda: {"medium": TIER})
    return Checking(board, cast(Crew, crew), hear=heard.append)


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not fact():
            await asyncio.sleep(0.001)


def test_a_server_is_asked_when_its_time_has_come_and_what_it_says_is_heard(server: Server) -> None:
    async def drill() -> None:
        heard: list[Checked] = []
        checking = a_checking(heard)
        checking.look(DUE - 1)
        assert server.asked == []
        checking.look(DUE)
        checking.look(DUE)
        server.may.set()
        await until(lambda: heard)
        assert (heard, len(server.asked)) == ([Checked(circuit=circuit_of(TIER), health=WELL)], 1)
        checking.look(DUE)
        await until(lambda: len(heard) == 2)

    asyncio.run(drill())


def test_one_that_does_not_answer_is_not_well_each_time_and_not_asked_twice_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DEADLINE", 0.05)

    async def drill() -> None:
        heard: list[Checked] = []
        checking = a_checking(heard)
        checking.look(DUE)
        assert heard == []
        await until(lambda: heard)
        checking.look(DUE)
        checking.look(DUE)
        assert [each.health.well for each in heard] == [False] * 3
        assert len(server.asked) == 1
        server.may.set()  # what it says so late counts no more
        await until(lambda: not checking._asking)
        assert len(heard) == 3
        checking.look(DUE)
        await until(lambda: len(heard) == 4)
        assert heard[-1].health == WELL

    asyncio.run(drill())


def test_one_that_does_not_answer_holds_up_neither_other_threads_nor_the_end(server: Server) -> None:
    async def drill() -> None:
        a_checking([]).look(DUE)
        await until(lambda: server.asked)
        assert cast(Any, asyncio.get_running_loop())._default_executor is None

    asyncio.run(drill())  # which waits for the threads of the default pool
    assert not server.may.is_set()


def test_a_bug_over_a_server_leaves_it_to_the_next_look(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Health:
        raise KeyError("hunter2")

    async def drill() -> None:
        heard: list[Checked] = []
        checking = a_checking(heard)
        server.says = broken
        server.may.set()
        checking.look(DUE)
        await until(lambda: heard)
        assert "KeyError" in heard[0].health.reason
        assert "hunter2" not in heard[0].health.reason
        server.says = lambda: WELL

        def full(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", full)
            checking.look(DUE)
        assert [each.health.well for each in heard] == [False, False]
        checking.look(DUE)
        await until(lambda: len(heard) == 3)
        assert heard[-1].health == WELL

    asyncio.run(drill())


@pytest.mark.parametrize(
    ("reason", "needs_model"),
    [
        (read_error(404, {"error": {"code": "model_not_found"}})[0].message, True),
        (plain_error(ErrorClass.MODEL, status=404).message, True),
        (MISSING, True),
        (plain_error(ErrorClass.SERVER, status=500).message, False),
        ("its answers are slow", False),
    ],
)
def test_the_list_of_models_counts_where_a_missing_model_was_the_matter(
    server: Server, reason: str, *, needs_model: bool
) -> None:
    async def drill() -> None:
        heard: list[Checked] = []
        server.may.set()
        a_checking(heard, reason).look(DUE)
        await until(lambda: heard)
        assert server.asked == [needs_model]

    asyncio.run(drill())
