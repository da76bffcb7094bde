"""The money of every board: holds are guarded, facts always commit, and the ledger is the truth."""

from __future__ import annotations

import sqlite3

import pytest
from msgspec.structs import replace

from koubou.board import Board
from koubou.model.account import AccountKey, Amounts, Bearer, Entry, Limit
from koubou.model.call import Usage
from koubou.model.instant import DAY
from koubou.model.money import USD
from tests.builders import NOW, a_bearer, a_price, an_account

MONTH = "month:2027-01"


def open_month(board: Board, ceiling: int | None = 100) -> None:
    board.ledger.open_account(Limit(name=MONTH, limit=ceiling, ceiling=ceiling, reopens=NOW + DAY), NOW)


def an_entry(call: str = "call", *accounts: str) -> Entry:
    return Entry(
        call=call,
        task="a-task",
        operation="general",
        run=1,
        tier="medium",
        model="model",
        accounts=tuple(map(AccountKey, accounts or (MONTH,))),
        price=a_price(),
    )


def stands(board: Board, name: str = MONTH) -> tuple[int, int, int, int]:
    """(settled, held, unreconciled, over)"""
    query = "SELECT settled, held, unreconciled, over FROM account WHERE name = ?"
    found: tuple[int, int, int, int] = tuple(board.connection.execute(query, (name,)).fetchone())
    return found


def hold_on(board: Board, entry: Entry, amount: int) -> bool:
    bearers = [a_bearer(board.ledger.account(*key) or an_account(name=key.name)) for key in entry.accounts]
    return board.ledger.hold(entry, Amounts(usd=amount, tokens=7, calls=1, time=9), bearers, NOW)


def hold(board: Board, amount: int, call: str = "call", *accounts: str) -> bool:
    """As the steps do: a hold that is refused is undone."""
    try:
        with board.savepoint():
            if not hold_on(board, an_entry(call, *accounts), amount):
                raise LookupError
    except LookupError:
        return False
    return True


def settle(board: Board, amount: int, call: str = "call", *, unreconciled: bool = False) -> None:
    open_hold = board.ledger.open_hold(call)
    assert open_hold is not None
    usage = Usage(input_tokens=3, output_tokens=4, cached_input_tokens=1, reasoning_tokens=2)
    used = Amounts(usd=amount, tokens=7, calls=1, time=5)
    board.ledger.settle(open_hold, used, usage, unreconciled=unreconciled, now=NOW)


def test_money_is_held_up_to_the_ceiling_and_not_a_nano_dollar_more(board: Board) -> None:
    open_month(board)
    assert hold(board, 60, "one")
    assert not hold(board, 41, "two")
    assert hold(board, 40, "three")
    assert not hold(board, 1, "four")
    assert hold(board, 0, "free")
    assert stands(board) == (0, 100, 0, 0)
    account = board.ledger.account(MONTH)
    assert account is not None
    assert (account.left, account.reopens) == (0, NOW + DAY)


def test_a_hold_that_one_account_refuses_is_on_none(board: Board) -> None:
    open_month(board)
    board.ledger.open_account(Limit(name="task:a", limit=10, ceiling=10), NOW)
    assert not hold(board, 20, "call", MONTH, "task:a")
    assert not hold(board, 20, "call", MONTH, "unknown")
    assert stands(board) == (0, 0, 0, 0)
    assert board.ledger.open_hold("call") is None
    assert hold(board, 10, "call", MONTH, "task:a")
    assert stands(board, "task:a") == (0, 10, 0, 0)


def test_a_settled_call_is_over(board: Board) -> None:
    open_month(board)
    hold(board, 60)
    stale = board.ledger.open_hold("call")
    assert stale is not None
    assert (stale.amount, stale.entry) == (60, an_entry())
    settle(board, 25)
    assert board.ledger.open_hold("call") is None
    for again in (
        lambda: board.ledger.settle(stale, Amounts(usd=25), None, unreconciled=False, now=NOW),
        lambda: board.ledger.release(stale, NOW),
        lambda: hold_on(board, an_entry(), 1),
    ):
        with pytest.raises(sqlite3.IntegrityError), board.savepoint():
            again()
    assert stands(board) == (25, 0, 0, 0)
    used = board.ledger.usage_of_task("a-task")
    assert (used.calls, used.cost, used.usage.input_tokens, used.usage.reasoning_tokens) == (1, 25, 3, 2)


def test_released_money_is_as_if_it_had_never_been_held(board: Board) -> None:
    open_month(board)
    hold(board, 60)
    found = board.ledger.open_hold("call")
    assert found is not None
    board.ledger.release(found, NOW)
    assert stands(board) == (0, 0, 0, 0)
    assert board.ledger.open_hold("call") is None
    assert board.ledger.usage_of_task("a-task").calls == 0


def test_facts_always_commit_and_what_stands_above_closes_the_account(board: Board) -> None:
    open_month(board)
    hold(board, 30, "one")
    hold(board, 30, "two")
    settle(board, 200, "one", unreconciled=True)
    assert stands(board) == (200, 30, 200, 130)
    assert not hold(board, 0, "three")
    settle(board, 10, "two")
    assert stands(board) == (210, 0, 200, 110)
    open_month(board, 220)
    assert stands(board) == (210, 0, 200, 0)
    assert hold(board, 10, "three")
    open_month(board, 50)
    assert stands(board) == (210, 10, 200, 170)
    open_month(board, None)
    assert stands(board) == (210, 10, 200, 0)
    assert hold(board, USD, "four")


def test_what_is_settled_without_a_limit_counts_once_there_is_one(board: Board) -> None:
    open_month(board, None)
    hold(board, 500)
    settle(board, 400)
    open_month(board, 100)
    assert stands(board) == (400, 0, 0, 300)


def test_an_account_follows_its_settings_and_keeps_its_money(board: Board) -> None:
    open_month(board)
    hold(board, 5)
    limit = Limit(name=MONTH, limit=80, ceiling=90, warn_percent=50, reopens=NOW + 1)
    board.ledger.open_account(limit, NOW)
    board.ledger.open_account(replace(limit, warn_percent=60), NOW)
    (account,) = board.ledger.accounts()
    assert (account.limit, account.ceiling, account.held, account.reopens) == (80, 90, 5, NOW + 1)
    assert board.connection.execute("SELECT warn_percent FROM account").fetchone()[0] == 60


def test_a_rate_is_remembered(board: Board) -> None:
    assert board.ledger.rate_due("medium", "requests") == 0
    board.ledger.set_rate_due("medium", "requests", NOW * 1000)
    board.ledger.set_rate_due("medium", "requests", NOW * 1000 + 1)
    assert board.ledger.rate_due("medium", "requests") == NOW * 1000 + 1
    assert board.ledger.rate_due("medium", "tokens") == 0


def test_a_hold_above_the_limit_is_an_overdraft_until_it_is_made_up_for(board: Board) -> None:
    limit = Limit(name="task:a", limit=100, ceiling=130)
    entry = replace(an_entry("critical", "task:a"), price=a_price())

    def bearers(bearable: int) -> list[Bearer]:
        return [Bearer(account=board.ledger.open_account(limit, NOW), bearable=bearable, most=bearable)]

    assert not board.ledger.hold(entry, Amounts(usd=101), bearers(100), NOW)
    assert board.ledger.hold(entry, Amounts(usd=130), bearers(130), NOW)
    found = board.ledger.open_hold("critical")
    assert found is not None
    board.ledger.settle(found, Amounts(usd=120), None, unreconciled=False, now=NOW)
    assert board.ledger.open_account(limit, NOW).overdrawn
    board.ledger.add(AccountKey("task:a"), 10, NOW)
    assert board.ledger.open_account(limit, NOW).overdrawn
    board.ledger.add(AccountKey("task:a"), 10, NOW)
    account = board.ledger.open_account(limit, NOW)
    assert (account.limit, account.ceiling, account.overdrawn) == (120, 150, False)


def test_what_an_agent_did_is_counted_and_closes_the_account_when_it_is_too_much(board: Board) -> None:
    key = AccountKey("task:a", "file_edits")
    assert board.ledger.count(key, 1) is None
    board.ledger.open_account(Limit(name="task:a", dimension="file_edits", limit=2, ceiling=2), NOW)
    for edits, over in ((1, 0), (2, 0), (3, 1)):
        account = board.ledger.count(key, 1)
        assert account is not None
        assert (account.settled, account.over) == (edits, over)


def test_a_new_period_takes_back_what_was_settled_by_a_line_and_keeps_what_is_held(board: Board) -> None:
    open_month(board)
    hold(board, 60, "one")
    hold(board, 40, "two")
    settle(board, 60, "one")
    account = board.ledger.account(MONTH)
    assert account is not None
    board.ledger.restart(account, "reset:1", NOW)
    assert stands(board) == (0, 40, 0, 0)
    lines = board.connection.execute("SELECT sum(amount) FROM ledger WHERE kind IN ('settle', 'reset')").fetchone()
    assert lines[0] == 0
