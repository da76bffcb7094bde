"""A limit that is set when money has been spent already: what its calls used counts, those under way too."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from koubou.board.care import check
from koubou.model.account import Account, Dimension
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.status import ParkReason
from tests.builders import a_budget, a_new_task, an_error, tiers
from tests.turns import Workshop

CENT = USD // 100
PLENTY = {"budget": a_budget(monthly=1000 * USD)}


@pytest.fixture
def shop() -> Workshop:
    return Workshop(tiers=tiers(), **PLENTY)


def spend(shop: Workshop, *tasks: str, **asked: Any) -> int:
    """Tasks run one after the other; what all of the workshop's have cost."""
    for task in tasks:
        shop.drop(a_new_task(task, tier="medium", session="s", owner=7, **asked))
        shop.finish(task, usage=Usage(input_tokens=1_000, output_tokens=500))
    return shop.month().settled


def limit(shop: Workshop, scope: str, amount: int | str, dimension: str = "usd") -> None:
    assert "ok" in shop.ask("budget_set", scope=scope, dimension=dimension, amount=amount, reason="a test")
    shop.turn()


def account(shop: Workshop, name: str, dimension: str = "usd") -> Account:
    (found,) = (
        each for each in shop.board.ledger.accounts() if each.name.startswith(name) and each.dimension == dimension
    )
    return found


@pytest.mark.parametrize("scope", ["model:model-of-medium", "submitter:7", "session:s", "day", "tier:medium"])
def test_what_was_spent_before_the_limit_counts(shop: Workshop, scope: str) -> None:
    before = spend(shop, "a", "b")
    assert before > 0
    limit(shop, scope, before + 10 * CENT)
    after = spend(shop, "c")
    assert account(shop, f"{scope}" if scope == "session:s" else f"{scope}:").settled == after > before
    assert check(shop.board.connection, served=True) == []


@pytest.mark.parametrize("scope", ["model:model-of-medium", "submitter:7", "session:s", "task:a"])
def test_it_counts_also_where_more_was_given_before_the_next_call(shop: Workshop, scope: str) -> None:
    before = spend(shop, "a")
    limit(shop, scope, 10 * CENT)
    assert "ok" in shop.ask("budget_add", account=scope, dimension="usd", amount=CENT)
    found = account(shop, scope)
    assert (found.settled, found.limit) == (before, 11 * CENT)


@pytest.mark.parametrize("dimension", list(Dimension))
def test_a_task_that_was_at_work_gets_more_in_every_dimension(shop: Workshop, dimension: Dimension) -> None:
    spend(shop, "a")
    limit(shop, "task:a", 1_000_000, dimension)
    assert "ok" in shop.ask("budget_add", account="task:a", dimension=dimension, amount=5)
    assert account(shop, "task:a", dimension).limit == 1_000_005


@pytest.mark.parametrize(("dimension", "used"), [("tokens", 3_000), ("calls", 2)])
def test_it_counts_in_tokens_and_calls_too(shop: Workshop, dimension: str, used: int) -> None:
    spend(shop, "a", "b")
    limit(shop, "submitter:7", 1_000_000, dimension)
    shop.drop(a_new_task("c", tier="medium", owner=7))
    found = account(shop, "submitter:7:", dimension)
    assert (found.settled, found.held > 0) == (used, True)
    shop.finish("c")
    assert check(shop.board.connection, served=True) == []


def test_nothing_more_is_let_through_where_all_of_it_was_spent_before(shop: Workshop) -> None:
    limit(shop, "model:model-of-medium", spend(shop, "a", "b"))
    shop.drop(a_new_task("c", tier="medium"))
    park = shop.task("c").park
    assert park is not None
    assert park.reason is ParkReason.BUDGET


def test_a_call_under_way_counts_with_what_it_holds_and_then_with_what_it_used(shop: Workshop) -> None:
    before = spend(shop, "a")
    shop.drop(a_new_task("under-way", tier="medium", session="s", owner=7))
    held = shop.month().held
    assert held > 0
    limit(shop, "model:model-of-medium", 10 * USD)
    shop.drop(a_new_task("b", tier="medium"))
    assert account(shop, "model:model-of-medium:").settled == before + held
    shop.finish("under-way", usage=Usage(input_tokens=1_000, output_tokens=500))
    shop.finish("b", usage=Usage(input_tokens=1_000, output_tokens=500))
    assert account(shop, "model:model-of-medium:").settled == shop.month().settled
    assert account(shop, "model:model-of-medium:").held == 0
    assert check(shop.board.connection, served=True) == []


def test_a_limit_that_was_taken_away_for_a_while_knows_what_was_spent_meanwhile(shop: Workshop) -> None:
    limit(shop, "session:s", USD)
    spend(shop, "a")
    limit(shop, "session:s", "default")
    spend(shop, "b")
    assert account(shop, "session:s").limit is None
    limit(shop, "session:s", USD)
    after = spend(shop, "c")
    assert account(shop, "session:s").settled == after


def test_a_tasks_limit_that_is_taken_away_gives_nothing_back_of_what_was_never_held_on_it(shop: Workshop) -> None:
    limit(shop, "task", USD)
    shop.drop(a_new_task("a", tier="medium"))
    shop.finish("a", bill=Bill.UNKNOWN, usage=None, error=an_error(ErrorClass.CUT))
    before = account(shop, "task:a").settled
    limit(shop, "task", "default")
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == ["a"]
    shop.finish("a", bill=Bill.NONE, usage=None, error=an_error(ErrorClass.POLICY))
    assert account(shop, "task:a").settled == before > 0


def test_a_call_that_was_under_way_when_a_new_period_began_gives_nothing_of_it_back(shop: Workshop) -> None:
    shop.drop(a_new_task("under-way", tier="medium", session="s", owner=7))
    limit(shop, "session:s", 10 * USD)
    spend(shop, "a")
    assert "ok" in shop.ask("budget_reset", scope="session:s", reason="the books are closed")
    before = account(shop, "month:").settled
    after = spend(shop, "b")
    shop.finish("under-way", usage=Usage(input_tokens=1, output_tokens=0))
    assert account(shop, "session:s").settled >= after - before
    assert check(shop.board.connection, served=True) == []


def test_a_call_under_way_when_its_day_gets_a_limit_counts_with_what_it_used_in_the_end(shop: Workshop) -> None:
    shop.drop(a_new_task("under-way", tier="medium"))
    limit(shop, "day", 10 * USD)
    assert account(shop, "day:").settled == shop.month().held > 0
    shop.finish("under-way", usage=Usage(input_tokens=1_000, output_tokens=500))
    assert account(shop, "day:").settled == shop.month().settled
    assert check(shop.board.connection, served=True) == []


def test_a_bill_that_knows_a_call_from_before_an_account_says_nothing_of_its_own_calls(shop: Workshop) -> None:
    cut = {"bill": Bill.UNKNOWN, "usage": None, "error": an_error(ErrorClass.CUT)}
    shop.drop(a_new_task("before", tier="medium", session="s", retries=0))
    shop.finish("before", **cut)
    hour = shop.now // HOUR * HOUR
    shop.now += 2 * HOUR
    limit(shop, "session:s", 10 * USD)
    shop.drop(a_new_task("its-own", tier="medium", session="s", retries=0))
    shop.finish("its-own", **cut)
    unknown = account(shop, "session:s").unreconciled
    rows = [{"model": "model-of-medium", "hour": hour, "amount": 0}]
    assert "ok" in shop.ask("reconcile", rows=rows, source="an export")
    assert account(shop, "session:s").unreconciled == unknown > 0


def test_what_was_spent_yesterday_is_no_part_of_a_day(shop: Workshop) -> None:
    before = spend(shop, "a")
    shop.now += 24 * 3_600_000
    limit(shop, "day", USD)
    after = spend(shop, "b")
    assert account(shop, "day:").settled == after - before


def test_an_account_that_begins_with_its_window_carries_nothing(shop: Workshop) -> None:
    shop.budget = replace(shop.budget, daily=USD)
    spend(shop, "a", "b")
    assert shop.board.connection.execute("SELECT COUNT(*) FROM ledger WHERE kind = 'carry'").fetchone()[0] == 0


def test_a_call_without_a_session_is_not_carried_by_one_of_that_name(shop: Workshop) -> None:
    limit(shop, "session:None", USD)
    shop.drop(a_new_task("its-own", tier="medium", session="None"))
    shop.finish("its-own")
    settled = account(shop, "session:None").settled
    shop.drop(a_new_task("of-none", tier="medium"))
    shop.finish("of-none")
    assert account(shop, "session:None").settled == settled > 0


def test_who_sets_a_limit_takes_back_what_was_added_to_it(shop: Workshop) -> None:
    limit(shop, "month", USD)
    assert "ok" in shop.ask("budget_add", account="month", dimension="usd", amount=5 * USD)
    shop.turn()
    assert (shop.month().limit, shop.month().added) == (6 * USD, 5 * USD)
    told = shop.ask("budget_set", scope="month", dimension="usd", amount=2 * USD, reason="a test")
    assert "$5.00 that were added to it no longer count" in str(told)
    shop.turn()
    assert (shop.month().limit, shop.month().ceiling, shop.month().added) == (2 * USD, 2 * USD, 0)
