"""Settings that are read anew reach who waits on the board."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from koubou.journal import Journal
from koubou.master.crew import Crew
from koubou.master.in_step import InStep
from koubou.model.budget import Limits
from koubou.model.status import ParkReason
from tests.builders import a_budget, a_new_task
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


def with_one_who_waits() -> Workshop:
    shop = Workshop(budget=a_budget(submitter=Limits(calls=1)))
    shop.drop(a_new_task("a"))
    shop.finish("a")
    shop.drop(a_new_task("b"))
    park = shop.task("b").park
    assert park is not None
    assert park.reason is ParkReason.BUDGET
    return shop


def in_step(shop: Workshop) -> InStep:
    crew = SimpleNamespace(workshop=SimpleNamespace(budget=shop.budget), tiers=lambda: shop.tiers)
    return InStep(shop.board, cast("Crew", crew), cast("Journal", None))
