"""What every board promises beyond its pages: what is written stays, faults stay apart, and scripts can read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from koubou.board import Board
from koubou.errors import BoardUnavailable
from koubou.model.account import Amounts, Entry, Limit, OpenHold
from koubou.model.call import Usage
from koubou.model.money import USD
from koubou.model.worker import WorkerIdentity
from tests.builders import NOW, a_bearer, a_price, a_tier
from tests.contract.way import admit, drop, led_to, rows

MONTH = "month:2027-01"


def held(board: Board, amount: int) -> OpenHold:
    """Money held on the month's account."""
    account = board.ledger.open_account(Limit(name=MONTH, limit=10 * USD, ceiling=10 * USD), NOW)
    entry = Entry(
        call="call",
        task="a-task",
        operation="general",
        run=1,
        tier="medium",
        model="model",
        accounts=(account.key,),
        price=a_price(),
    )
    amounts = Amounts(usd=amount)
    assert board.ledger.hold(entry, amounts, [a_bearer(account)], NOW)
    return OpenHold(entry=entry, amounts=amounts, at=NOW)


@pytest.mark.parametrize(
    "query",
    [
        "UPDATE ledger SET amount = 0",
        "DELETE FROM ledger",
        "UPDATE history SET reason = ''",
        "DELETE FROM history",
        "DELETE FROM history WHERE task IS NULL",
        "UPDATE account SET held = -1",
        "UPDATE account SET settled = ceiling + 1",
        "UPDATE task SET status = 'finished'",
        "UPDATE task SET park = 'rate' WHERE status = 'assigned'",
        "INSERT INTO run SELECT * FROM run",
    ],
)
def test_the_board_itself_refuses_what_would_break_a_promise(board: Board, query: str) -> None:
    held(board, 5)
    task = led_to(board, admit)
    board.history.add(task.seq, "task.enqueued", "from a test", NOW)
    board.history.add(None, "emergency.stop", "drill", NOW)
    kept = list(board.connection.iterdump())
    with pytest.raises(sqlite3.IntegrityError):
        board.connection.execute(query)
    assert list(board.connection.iterdump()) == kept


def test_a_tasks_history_goes_with_its_task(board: Board) -> None:
    task = drop(board)
    board.history.add(task.seq, "task.enqueued", "from a test", NOW)
    board.history.add(None, "emergency.stop", "drill", NOW)
    assert board.history.of_task(task.seq) == [(NOW, "task.enqueued", "from a test", "koubou")]
    board.connection.execute("DELETE FROM task")
    assert board.history.of_task(task.seq) == []
    assert [line["event"] for line in rows(board, "history")] == ["history.chained", "emergency.stop"]


def test_workers_come_and_go_and_are_forgotten_after_a_day(board: Board) -> None:
    identity = WorkerIdentity(id="w", tier="medium", pid=7, born=8, boot="b")
    board.crew.hired(identity, a_tier(), NOW)
    board.crew.seen("w", "busy", NOW + 1)
    assert board.crew.alive() == [identity]
    board.crew.gone("w", "error", "killed", NOW + 2)
    board.crew.gone("w", "offline", "again", NOW + 3)
    board.crew.seen("w", "idle", NOW + 4)
    assert board.crew.alive() == []
    (row,) = rows(board, "worker")
    assert (row["status"], row["end_reason"], row["ended_at"], row["last_beat"]) == (
        "error",
        "killed",
        NOW + 2,
        NOW + 1,
    )
    board.crew.forget(NOW + 2)
    assert len(rows(board, "worker")) == 1
    board.crew.forget(NOW + 3)
    assert rows(board, "worker") == []


def test_a_latch_holds_until_it_is_lifted_and_keeps_its_first_reason(board: Board) -> None:
    assert board.crew.latch("emergency", "first", NOW)
    assert not board.crew.latch("emergency", "second", NOW)
    assert board.crew.latches() == {"emergency": "first"}
    assert board.crew.unlatch("emergency")
    assert not board.crew.unlatch("emergency")
    assert board.crew.latches() == {}


@contextmanager
def failing() -> Iterator[None]:
    """What stands within is done, and then something breaks."""
    yield
    raise ZeroDivisionError


def test_what_raises_in_a_savepoint_is_undone_alone(board: Board) -> None:
    with board.transaction():
        drop(board, "before")
        with suppress(ZeroDivisionError), board.savepoint(), failing():
            drop(board, "within")
            with board.savepoint():
                drop(board, "deeper")
        with board.savepoint():
            drop(board, "outer")
            with suppress(ZeroDivisionError), board.savepoint(), failing():
                drop(board, "inner")
        drop(board, "after")
    assert [row["id"] for row in rows(board, "task")] == ["before", "outer", "after"]


def test_a_transaction_is_whole_or_not_at_all(board: Board) -> None:
    with suppress(ZeroDivisionError), board.transaction(), failing():
        drop(board)
    assert rows(board, "task") == []
    with board.transaction():
        drop(board)
    assert len(rows(board, "task")) == 1


def test_a_board_that_cannot_be_written_says_so_and_goes_on_later(board: Board) -> None:
    board.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(BoardUnavailable), board.transaction():
        drop(board)
    board.connection.execute("PRAGMA query_only = OFF")
    with board.transaction():
        drop(board)


COLUMNS = {
    "task_master": "task_id task_type difficulty_level sensitivity_level assigned_worker_type status priority "
    "estimated_tokens actual_tokens estimated_cost actual_cost parent_task_id created_at updated_at",
    "cost_tracking": "tracking_id task_id worker_type model_name prompt_tokens completion_tokens total_tokens cost_usd "
    "timestamp",
    "budget_management": "budget_id year_month budget_limit_usd spent_usd remaining_usd alert_threshold_percent "
    "created_at",
    "workers": "worker_id worker_type model_name api_endpoint process_id status capabilities rate_limit_remaining "
    "rate_limit_reset_at last_heartbeat created_at",
    "monthly_usage": "id month operation cost_usd tokens_used model created_at",
    "budget_config": "id monthly_budget_usd warning_threshold emergency_threshold last_updated",
}


def test_the_views_have_the_columns_that_scripts_know_and_tell_the_truth(board: Board) -> None:
    led_to(board, admit, parent="epic")
    board.tasks.spent("a-task", 2_500_000_000, 7)
    usage = Usage(input_tokens=3, output_tokens=4, cached_input_tokens=1, reasoning_tokens=2)
    used = Amounts(usd=2_500_000_000, tokens=7, calls=1)
    board.ledger.settle(held(board, 3 * USD), used, usage, unreconciled=False, now=NOW)
    board.ledger.set_budget(10 * USD, 0.8, 1.5, NOW)
    board.crew.hired(WorkerIdentity(id="w", tier="medium", pid=7, born=8, boot="b"), a_tier(), NOW)
    at = "2027-01-15 08:00:00"
    told = {
        "task_master": (
            "a-task",
            "general",
            "medium",
            "public",
            "medium",
            "assigned",
            5,
            100,
            7,
            7e-9,
            2.5,
            "epic",
            at,
            at,
        ),
        "cost_tracking": (2, "a-task", "medium", "model", 3, 4, 7, 2.5, at),
        "budget_management": (1, "2027-01", 10.0, 2.5, 7.5, 80, at),
        "workers": (
            "w",
            "medium",
            "model-of-medium",
            "http://127.0.0.1:9/v1",
            7,
            "idle",
            '["chat"]',
            None,
            None,
            at,
            at,
        ),
        "monthly_usage": (2, "2027-01", "general", 2.5, 7, "model", at),
        "budget_config": (1, 10.0, 0.8, 1.5, at),
    }
    for view, columns in COLUMNS.items():
        (row,) = rows(board, view)
        assert list(row.keys()) == columns.split(), view
        assert tuple(row) == told[view], view
