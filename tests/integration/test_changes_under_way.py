"""Limits, windows and settings that change under way, from turn to turn."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from koubou.model.call import Bill, ErrorClass, Usage
from koubou.model.heard import RunFinished
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.status import ParkReason, Status
from koubou.model.tier import Reach, Tier
from koubou.rules.windows import month
from tests.audit import Audited
from tests.builders import a_bench, a_budget, a_new_task, a_price, a_result, a_secret, a_tier, an_error, tiers

CUT = {"bill": Bill.UNKNOWN, "usage": None, "error": an_error(ErrorClass.CUT)}


def test_a_task_that_is_tried_again_asks_the_limit_of_now() -> None:
    shop = Audited(budget=a_budget(task=USD))
    shop.drop(a_new_task())
    shop.finish(**CUT)
    shop.budget = a_budget(task=21_000_000)  # enough for one call of two thousand tokens, and one was made
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == []
    account = shop.board.ledger.account("task:a-task")
    assert account is not None
    assert (account.limit, account.ceiling) == (21_000_000, 21_000_000)
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.BUDGET
    assert "task:a-task" in park.detail


def test_a_call_settles_in_the_window_in_which_it_was_held() -> None:
    shop = Audited()
    shop.drop(a_new_task())
    old = shop.month().name
    _, shop.now = month(shop.now, shop.budget.timezone)
    shop.turn()
    assert shop.month().name != old
    shop.finish()
    assert (shop.month().settled, shop.month().held) == (0, 0)
    settled = shop.board.ledger.account(old)
    assert settled is not None
    assert (settled.settled, settled.held) == (20 * 1_000 + 50 * 10_000, 0)


def test_a_task_parked_for_last_months_money_goes_on_in_this_month() -> None:
    shop = Audited(budget=a_budget(monthly=21_000_000))
    shop.drop(a_new_task("dear"))
    shop.finish("dear", usage=Usage(input_tokens=20, output_tokens=2_000))
    shop.drop(a_new_task("waits", tier="medium"))
    park = shop.task("waits").park
    assert park is not None
    _, reopens = month(shop.now, shop.budget.timezone)
    assert (park.reason, park.until) == (ParkReason.BUDGET, reopens)
    shop.now = reopens
    shop.turn()
    assert "waits" in shop.sent()


def test_who_waits_for_money_that_is_only_held_need_not_wait_for_it_in_the_next_month() -> None:
    shop = Audited(budget=a_budget(monthly=25_000_000))
    shop.drop(a_new_task("at-work"))
    shop.drop(a_new_task("waits"))
    assert shop.sent() == []
    _, shop.now = month(shop.now, shop.budget.timezone)
    shop.turn()
    assert shop.sent() == ["waits"]


def test_held_money_that_comes_back_wakes_who_waits_in_the_same_turn() -> None:
    shop = Audited(budget=a_budget(monthly=25_000_000))
    shop.drop(a_new_task("first"))
    shop.drop(a_new_task("second"))
    park = shop.task("second").park
    assert park is not None
    assert (park.reason, park.until) == (ParkReason.BUDGET, None)
    shop.finish("first", bill=Bill.NONE, usage=None, error=an_error(ErrorClass.BAD_REQUEST))
    assert shop.sent() == ["second"]


def test_a_raised_limit_wakes_who_waits_and_a_lowered_one_stops_nobody_at_work() -> None:
    shop = Audited(budget=a_budget(monthly=25_000_000))
    shop.drop(a_new_task("first"))
    shop.drop(a_new_task("second"))
    shop.budget = a_budget(monthly=50_000_000)
    shop.turn()
    assert shop.sent() == ["second"]
    shop.budget = a_budget(monthly=1_000)
    shop.turn()
    assert shop.month().over > 0
    for name in ("first", "second"):
        shop.finish(name)
        assert shop.task(name).outcome is Status.COMPLETED
    assert shop.month().held == 0


@pytest.mark.parametrize("later", [tiers(a_tier("high")), tiers(a_tier("medium", price=a_price(100, 1_000)))])
def test_a_bill_is_reckoned_at_the_price_at_which_it_was_held(later: dict[str, Tier]) -> None:
    """Whether its tier is no more, or another price stands in the settings by now."""
    shop = Audited()
    shop.drop(a_new_task())
    run = shop.run()
    shop.tiers = later
    shop.turn(RunFinished(result=a_result("a-task", run.number, run.call)))
    assert (shop.month().settled, shop.month().unreconciled) == (20 * 1_000 + 50 * 10_000, 0)
    assert shop.task().outcome is Status.COMPLETED
    assert shop.board.crew.latches() == {}


def test_a_model_that_billed_too_much_lets_nobody_through_from_that_very_turn_until_it_is_resumed() -> None:
    shop = Audited(
        budget=a_budget(monthly=None), tiers=tiers(a_tier("medium", fallback=None)), benches=[a_bench(room=1)]
    )
    shop.drop(a_new_task("dear"))
    shop.drop(a_new_task("next"))
    shop.finish("dear", usage=Usage(input_tokens=20, output_tokens=10_000_000))
    assert shop.sent() == []
    park = shop.task("next").park
    assert park is not None
    assert park.reason is ParkReason.TIER
    assert "frozen" in park.detail
    # It goes on in the turn in which a person lifts the latch, and does not wait for something that never comes.
    shop.ask("resume_budget", reason="the price was wrong")
    assert shop.sent() == ["next"]


def test_a_secret_task_is_not_let_through_to_a_tier_that_is_local_no_more() -> None:
    """It was routed, and then the settings changed."""
    shop = Audited(benches=(), tiers=tiers(a_tier("local")))
    shop.drop(a_new_task(tier="local", findings=(a_secret(),)))
    shop.auditor.secret.add("a-task")
    assert shop.task().tier == "local"
    shop.tiers = {"local": replace(a_tier("local"), reach=Reach.CLOUD)}
    shop.benches = [a_bench("local")]
    for _ in range(3):
        shop.turn()
        assert shop.sent() == []
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.SECRECY
