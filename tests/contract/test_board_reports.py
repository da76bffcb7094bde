"""What the ledger tells of spending, on a real board."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW, a_new_task
from ledger_lines import correct, spend

from koubou.board import Board, open_in_memory
from koubou.board.reports import BY, Backend, PaidCalls, Reports, Sum, total
from koubou.model.account import AccountKey, Limit
from koubou.model.call import Usage
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND
from koubou.model.money import USD
from koubou.model.phase import Phase
from koubou.model.run import Run

TOKYO = ZoneInfo("Asia/Tokyo")
SINCE, UNTIL = NOW - 10 * DAY, NOW + 10 * DAY


@pytest.fixture
def board() -> Board:
    return Board(open_in_memory())


def keys(sums: list[Sum]) -> dict[str | int | None, int]:
    return {each.key: each.cost for each in sums}


def reports(board: Board) -> Reports:
    return Reports(board.connection)


def test_spending_is_summed_by_what_it_was_for_the_dearest_first(board: Board) -> None:
    usage = Usage(
        input_tokens=100, output_tokens=50, cached_input_tokens=40, cache_write_tokens=10, reasoning_tokens=30
    )
    spend(board, NOW, 3 * USD, operation="bug_fix", tier="high", session="release", submitter=1000, usage=usage)
    spend(board, NOW, 1 * USD, operation="bug_fix", tier="medium", model="gpt-5-mini", task="other", usage=usage)
    spend(board, NOW, 5 * USD, operation="testing", tier="high", submitter=1001)
    found = reports(board)
    assert found.sums("operation", SINCE, UNTIL, UTC)[1] == Sum(
        key="bug_fix",
        calls=2,
        input=200,
        cached_input=80,
        cache_write=20,
        output=100,
        reasoning=60,
        cost=4 * USD,
    )
    assert list(keys(found.sums("operation", SINCE, UNTIL, UTC))) == ["testing", "bug_fix"]
    assert keys(found.sums("tier", SINCE, UNTIL, UTC)) == {"high": 8 * USD, "medium": USD}
    assert keys(found.sums("model", SINCE, UNTIL, UTC)) == {"gpt-5": 8 * USD, "gpt-5-mini": USD}
    assert keys(found.sums("task", SINCE, UNTIL, UTC)) == {"a-task": 8 * USD, "other": USD}
    assert keys(found.sums("session", SINCE, UNTIL, UTC)) == {"release": 3 * USD, None: 6 * USD}
    assert keys(found.sums("submitter", SINCE, UNTIL, UTC)) == {1001: 5 * USD, 1000: 3 * USD, None: USD}


def test_days_are_those_of_the_time_zone(board: Board) -> None:
    midnight_in_tokyo = NOW + 7 * HOUR
    spend(board, midnight_in_tokyo - 1, USD)
    spend(board, midnight_in_tokyo, 2 * USD)
    found = reports(board)
    assert keys(found.sums("day", SINCE, UNTIL, TOKYO)) == {"2027-01-15": USD, "2027-01-16": 2 * USD}
    assert keys(found.sums("day", SINCE, UNTIL, UTC)) == {"2027-01-15": 3 * USD}
    assert found.days(SINCE, UNTIL, TOKYO) == {
        date(2027, 1, 15): {"gpt5_medium": USD},
        date(2027, 1, 16): {"gpt5_medium": 2 * USD},
    }


def test_a_call_belongs_to_the_window_in_which_it_was_held(board: Board) -> None:
    spend(board, UNTIL - 1, USD)  # settled after the window has ended
    spend(board, UNTIL, 2 * USD)
    spend(board, SINCE - 1, 4 * USD)
    found = reports(board)
    assert keys(found.sums("tier", SINCE, UNTIL, UTC)) == {"gpt5_medium": USD}
    assert found.spent(SINCE, UNTIL) == USD
    assert found.spent(SINCE, UNTIL + 1) == 3 * USD
    assert found.first_at() == SINCE - 1


def test_what_the_bill_corrects_is_spending_but_no_call(board: Board) -> None:
    spend(board, NOW, 2 * USD, unreconciled=True)
    spend(board, NOW, USD, unreconciled=True, model="other")
    (before,) = reports(board).sums("tier", SINCE, UNTIL, UTC)
    assert before.unreconciled == 3 * USD
    board.ledger.confirm("gpt-5", NOW // HOUR * HOUR, NOW + DAY)
    correct(board, NOW // HOUR * HOUR, -USD // 2, NOW + DAY)
    (after,) = reports(board).sums("tier", SINCE, UNTIL, UTC)
    assert (after.calls, after.cost, after.unreconciled) == (2, 2 * USD + USD // 2, USD)
    assert keys(reports(board).sums("task", SINCE, UNTIL, UTC)) == {"a-task": 3 * USD, None: -USD // 2}


def test_a_new_period_takes_nothing_from_what_was_spent(board: Board) -> None:
    key = AccountKey("month:2027-01")
    account = board.ledger.open_account(Limit(name=key.name, limit=USD, ceiling=USD), NOW)
    board.ledger.count(key, USD // 2)
    spend(board, NOW, USD // 2)
    board.ledger.restart(account, "reset-1", NOW)
    assert reports(board).spent(SINCE, UNTIL) == USD // 2


def test_the_mean_is_of_calls_that_cost_something(board: Board) -> None:
    for amount, model in ((USD, "old-model"), (3 * USD, "new-model")):
        spend(board, NOW, amount, tier="high", model=model)
    spend(board, NOW, 0, tier="local")
    correct(board, NOW // HOUR * HOUR, -USD // 2, NOW)
    spend(board, NOW, USD)
    assert reports(board).paid_calls(SINCE, UNTIL) == {
        "high": PaidCalls(calls=2, cost=4 * USD, model="new-model"),
        "gpt5_medium": PaidCalls(calls=1, cost=USD // 2, model="gpt-5"),
    }


def test_hours_of_a_model_are_those_in_which_its_calls_began(board: Board) -> None:
    hour = NOW // HOUR * HOUR
    for minutes, amount in ((0, 1), (59, 2), (60, 4)):
        spend(board, hour + minutes * MINUTE, amount)
    spend(board, hour, 8, model="other", tier="other")
    found = reports(board).hours("gpt-5", hour + MINUTE, hour + DAY)
    assert [(each.hour, each.amount) for each in found] == [(hour, 3), (hour + HOUR, 4)]
    assert sorted(reports(board).models()) == ["gpt-5", "other"]


def test_calls_near_the_ends_of_hours_may_be_booked_in_others_until_a_bill_has_spoken_of_them(board: Board) -> None:
    hour = NOW // HOUR * HOUR
    for at, amount in ((hour - DAY, 1), (hour - 30 * MINUTE, 2), (hour - MINUTE, 3), (hour + MINUTE, 4)):
        spend(board, at, amount)
    spend(board, hour - 2 * MINUTE, 5, unreconciled=True)
    spend(board, hour - MINUTE, 6, model="other")
    found = reports(board).bookings("gpt-5", hour, hour + HOUR)
    assert sorted((call.begun - hour, call.amount) for call in found) == [
        (-DAY, 1),
        (-2 * MINUTE, 5),
        (-MINUTE, 3),
        (MINUTE, 4),
    ]
    assert {call.ended for call in found} == {call.begun + 1 for call in found}
    board.ledger.confirm("gpt-5", hour - HOUR, NOW)
    assert 5 not in {call.amount for call in reports(board).bookings("gpt-5", hour, hour + HOUR)}


def a_run(board: Board, number: int, executor: str, outcome: str | None, **changes: object) -> None:
    """A run of a task of its own that took `number` minutes."""
    task = board.tasks.insert(a_new_task(f"task-{number}"), NOW)
    values: dict[str, Any] = {
        "task": task,
        "number": 1,
        "tier": "t",
        "worker": "w",
        "call": f"call-{number}",
        "cap": 9,
        "timeout": 9,
        "admitted_at": NOW,
        "executor": executor,
    }
    board.runs.insert(Run(**values | changes))
    if outcome is not None:
        board.runs.started(task, 1, NOW + SECOND)
        board.runs.ended(task, 1, outcome, NOW + SECOND + number * MINUTE)


def test_backends_are_judged_by_the_runs_that_came_to_an_end(board: Board) -> None:
    a_run(board, 1, "claude", "answered")
    a_run(board, 2, "claude", "timeout")
    a_run(board, 3, "claude", "cancelled")
    a_run(board, 4, "claude", "unsent")
    a_run(board, 5, "claude", None)
    a_run(board, 6, "codex", "answered")
    a_run(board, 7, "codex", "answered", admitted_at=UNTIL)
    a_run(board, 8, "codex", "answered", purpose=Phase.JUDGE)
    for amount in (1, 2):  # an agent's run makes calls of its own
        spend(board, NOW, amount * USD, task="task-1", call=f"own-{amount}")
    spend(board, NOW, 5 * USD, task="task-1", run=2)
    spend(board, NOW, 4 * USD, task="task-5")
    claude, codex = reports(board).backends(SINCE, UNTIL)
    assert claude == Backend(backend="claude", runs=5, succeeded=1, failed=1, cost=7 * USD, time=3 * MINUTE)
    assert (claude.success_rate, claude.mean_time) == (0.5, 90 * SECOND)
    assert codex == Backend(backend="codex", runs=1, succeeded=1, cost=0, time=6 * MINUTE)
    assert (Backend(backend="x").success_rate, Backend(backend="x").mean_time) == (None, None)


def test_an_empty_ledger_has_sums_of_nothing(board: Board) -> None:
    found = reports(board)
    assert [found.sums(by, SINCE, UNTIL, UTC) for by in BY] == [[]] * len(BY)
    assert (found.first_at(), found.days(SINCE, UNTIL, UTC), found.spent(SINCE, UNTIL)) == (None, {}, 0)
    assert total([]).cost == 0


def test_holds_under_way_are_no_spending(board: Board) -> None:
    from koubou.model.account import Amounts, Entry
    from koubou.model.money import FREE

    entry = Entry(call="c", task="t", operation="o", run=1, tier="x", model="m", accounts=(), price=FREE)
    board.ledger.hold(entry, Amounts(usd=USD), [], NOW)
    assert reports(board).spent(SINCE, UNTIL) == 0
    assert reports(board).models() == []
