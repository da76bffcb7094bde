"""Settings that are read anew reach who waits on the board."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import cast

from msgspec.structs import replace

from koubou.journal import Journal
from koubou.master.clock import clock
from koubou.master.crew import Crew
from koubou.master.in_step import InStep
from koubou.model.agent import Manner
from koubou.model.budget import Limits
from koubou.model.circuit import Circuit
from koubou.model.status import ParkReason
from koubou.rules.breaker import circuit_of_key, opened
from koubou.rules.session import SESSION
from tests.builders import NOW, a_budget, a_new_task, a_tier, tiers
from tests.turns import Workshop


def test_who_waits_for_money_asks_anew_when_the_settings_give_more_of_it() -> None:
    shop = with_one_who_waits()
    shop.budget = a_budget(submitter=Limits(calls=2))
    in_step(shop).settings_changed(keys_mended=False)
    shop.turn()
    assert shop.sent() == ["b"]


def test_nobody_asks_for_money_anew_because_a_worker_was_lost() -> None:
    shop = with_one_who_waits()
    in_step(shop).tier_lost()
    assert shop.task("b").park is not None


def test_a_session_that_is_over_is_looked_at_with_the_new_keys_and_not_taken_for_well() -> None:
    agent = a_tier("high", executor="codex", agent=Manner(program="/opt/codex"))
    shop = Workshop(tiers=tiers(agent, a_tier("medium")))
    over = opened(Circuit(name=circuit_of_key("high")), "refused", SESSION, clock())
    shop.board.circuits.put(over)
    shop.board.crew.latch(over.name, "refused", NOW)
    shop.board.crew.latch(circuit_of_key("medium"), "refused", NOW)
    stream = io.StringIO()
    before = clock()
    in_step(shop, journal := Journal(stream=stream)).settings_changed(keys_mended=True)
    journal.close()
    assert list(shop.board.crew.latches()) == [over.name]
    found = shop.board.circuits.all()[over.name]
    assert found == replace(over, retry_at=found.retry_at)
    assert found.retry_at is not None
    assert before <= found.retry_at <= clock()
    assert "medium" in stream.getvalue()
    assert "high" not in stream.getvalue()


def with_one_who_waits() -> Workshop:
    shop = Workshop(budget=a_budget(submitter=Limits(calls=1)))
    shop.drop(a_new_task("a"))
    shop.finish("a")
    shop.drop(a_new_task("b"))
    park = shop.task("b").park
    assert park is not None
    assert park.reason is ParkReason.BUDGET
    return shop


def in_step(shop: Workshop, journal: Journal | None = None) -> InStep:
    crew = SimpleNamespace(workshop=SimpleNamespace(budget=shop.budget), tiers=lambda: shop.tiers)
    return InStep(shop.board, cast("Crew", crew), cast("Journal", journal))
