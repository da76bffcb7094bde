"""Who waits on every board: in which order they go on, what wakes them, and what keeps them apart."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from msgspec.structs import replace

from koubou.board import Board
from koubou.model.account import Account, AccountKey
from koubou.model.decision import Breach, InTheWay
from koubou.model.instant import HOUR
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import Task
from tests.builders import NOW, a_new_task
from tests.contract.way import PARK, admit, classify, drop, file, led_to, park, route, start

MONTH = "month:2027-01"
CEILING = 100


def test_a_park_says_why_and_until_when_and_ends_then(board: Board) -> None:
    task = led_to(board, route)
    park(board, task)
    task = board.tasks.at(task.seq)
    assert (task.park, task.status, task.waiting) == (PARK, Status.PENDING, Waiting.ADMIT)
    assert board.tasks.due_for_tier("medium", 9) == []
    assert board.tasks.next_wake() == NOW + HOUR
    assert board.tasks.wake_by_time(NOW + HOUR - 1) == 0
    assert board.tasks.wake_by_time(NOW + HOUR) == 1
    assert board.tasks.next_wake() is None
    assert [due.id for due in board.tasks.due_for_tier("medium", 9)] == ["a-task"]


def test_only_what_is_pending_can_be_parked(board: Board) -> None:
    task = led_to(board, start)
    board.tasks.retried(replace(task, failures=1, given_up=("high",)), NOW, PARK)
    task = board.tasks.at(task.seq)
    assert (task.status, task.waiting, task.park, task.failures) == (Status.PENDING, Waiting.ROUTE, PARK, 1)
    assert task.given_up == ("high",)
    board.tasks.unparked(task.seq, NOW)
    assert board.tasks.at(task.seq).park is None


def breach(board: Board, name: str, need: int, least: int | None = None, **asked: Any) -> Task:
    task = led_to(board, route, name, **asked)
    parked = Park(reason=ParkReason.BUDGET, detail=f"needs {need}")
    wants = Breach(park=parked, account=AccountKey(MONTH), need=need, least=least or need, bearable=CEILING)
    board.tasks.parked(task, parked, NOW, wants)
    return board.tasks.at(task.seq)


def an_account(left: int | None, held: int = 1) -> Account:
    ceiling, settled = (None, 0) if left is None else (CEILING, CEILING - left - held)
    return Account(name=MONTH, dimension="usd", limit=ceiling, ceiling=ceiling, settled=settled, held=held)


def awake(board: Board) -> list[str]:
    return [task.id for task in board.tasks.due_for_tier("medium", 99)]


def test_as_many_wake_as_fit_what_is_left_in_dispatch_order(board: Board) -> None:
    for name, need, priority in (("old", 40, 5), ("young", 40, 5), ("urgent", 30, 9), ("small", 5, 1)):
        breach(board, name, need, priority=priority)
    assert board.tasks.breached_accounts() == [AccountKey(MONTH)]
    assert board.tasks.wake_breached(MONTH, an_account(29), NOW) == 1
    assert awake(board) == ["small"]
    # The urgent one takes 30 of 75; there is no room for two of 40.
    assert board.tasks.wake_breached(MONTH, an_account(75), NOW) == 2
    assert awake(board) == ["urgent", "old", "small"]
    assert board.tasks.wake_breached(MONTH, an_account(None), NOW) == 1
    assert board.tasks.breached_accounts() == []


def test_with_nothing_held_the_least_that_would_do_is_enough_to_wake(board: Board) -> None:
    breach(board, "a-task", need=40, least=10)
    assert board.tasks.wake_breached(MONTH, an_account(10, held=30), NOW) == 0
    assert board.tasks.wake_breached(MONTH, an_account(9, held=0), NOW) == 0
    assert board.tasks.wake_breached(MONTH, an_account(10, held=0), NOW) == 1


def test_nobody_wakes_for_an_account_that_is_not_his(board: Board) -> None:
    breach(board, "a-task", need=1)
    assert board.tasks.wake_breached("task:a-task", an_account(None), NOW) == 0


def test_who_waits_for_money_asks_anew_when_any_limit_may_be_another(board: Board) -> None:
    for name in ("a-task", "another"):
        breach(board, name, need=40)
    park(board, led_to(board, route, "later"))
    board.tasks.wake_all_breached(NOW)
    assert awake(board) == ["a-task", "another"]
    assert board.tasks.breached_accounts() == []


def test_dispatch_goes_by_priority_then_by_age(board: Board) -> None:
    for name, priority in (("old", 5), ("low", 1), ("urgent", 9), ("young", 5)):
        led_to(board, route, name, priority=priority)
    led_to(board, admit, "at-work", priority=10)
    assert awake(board) == ["urgent", "old", "young", "low"]
    assert [task.id for task in board.tasks.due_for_tier("medium", 2)] == ["urgent", "old"]
    assert board.tasks.due_for_tier("high", 9) == []
    assert board.tasks.queued() == {"medium": 4}
    assert (board.tasks.queued_up_to("medium", 99), board.tasks.queued_up_to("medium", 3)) == (4, 3)


def test_tasks_are_counted_by_status(board: Board) -> None:
    for name, step in (("a", route), ("b", start), ("c", file)):
        led_to(board, step, name)
    counted = board.tasks.counted()
    assert set(counted) == set(Status)
    assert [counted[status] for status in (Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED)] == [1, 1, 1]
    assert board.tasks.pending_count() == 1


def test_who_was_not_begun_in_time_is_found(board: Board) -> None:
    led_to(board, route, "late", expires_at=NOW + 5)
    led_to(board, admit, "at-work", expires_at=NOW + 5)
    drop(board, "patient")
    assert board.tasks.expired(NOW + 4, 9) == []
    assert [task.id for task in board.tasks.expired(NOW + 5, 9)] == ["late"]


def test_after_a_change_of_settings_who_waits_for_a_lost_tier_chooses_again(board: Board) -> None:
    led_to(board, route, "waits")
    led_to(board, admit, "works")
    lost = led_to(board, classify, "lost")
    board.tasks.parked(lost, Park(reason=ParkReason.SECRECY, detail="no local tier"), NOW)
    assert board.tasks.reroute_unknown(["medium"], NOW) == 1
    assert board.tasks.reroute_unknown(["local"], NOW) == 1
    assert {task.id for task in board.tasks.due(Waiting.ROUTE, 9)} == {"waits", "lost"}


def test_an_id_and_a_document_are_there_once(board: Board) -> None:
    drop(board, "One")
    for twin in (a_new_task("ONE", claim="other"), a_new_task("two", claim="claim-of-One")):
        with pytest.raises(sqlite3.IntegrityError):
            board.tasks.insert(twin, NOW)
    assert board.tasks.identity("one") == ("One", "digest-of-One", 1000)
    assert board.tasks.of_claim("claim-of-One") == ["One"]
    assert board.tasks.of_claim("unknown") == []


def test_needs_and_needers_find_one_another_whatever_the_case(board: Board) -> None:
    plan = drop(board, "Plan")
    work = drop(board, "work", depends_on=("PLAN", "unknown"))
    assert {(need.id, need.seq, need.status) for need in board.tasks.needs(work.seq)} == {
        ("PLAN", plan.seq, Status.PENDING),
        ("unknown", None, None),
    }
    park_for = Park(reason=ParkReason.DEPENDENCY, detail="waits for PLAN")
    board.tasks.parked(work, park_for, NOW)
    assert board.tasks.needers("plan") == [work.seq]
    assert board.tasks.needers("unknown") == [work.seq]
    assert board.tasks.needers("work") == []


def test_all_that_stands_behind_a_task_is_told(board: Board) -> None:
    drop(board, "one", depends_on=("two",))
    drop(board, "two", depends_on=("three",))
    assert sorted(board.tasks.edges_behind(["ONE"])) == [("one", "two"), ("two", "three")]
    assert board.tasks.edges_behind(["three"]) == []
    drop(board, "three", depends_on=("One",))
    assert sorted(board.tasks.edges_behind(["two"])) == [("one", "two"), ("three", "one"), ("two", "three")]


def test_it_is_known_whether_somebody_who_came_before_needs_a_task(board: Board) -> None:
    drop(board, "one", depends_on=("Two",))
    assert board.tasks.needed_elsewhere(["TWO"], "claim-of-two")
    assert not board.tasks.needed_elsewhere(["two"], "claim-of-one"), "it came with it"
    assert not board.tasks.needed_elsewhere(["one"], "claim-of-one")


def test_a_lock_is_taken_while_its_task_is_at_work(board: Board) -> None:
    other = drop(board, "other", locks=("tree", "house"))
    task = led_to(board, route, "first", locks=("tree",))
    assert board.queue.in_the_way(other, ["medium"]) is None
    admit(board, task)
    assert board.queue.in_the_way(other, []) == InTheWay(lock="tree", task="first", held=True)
    board.runs.ended(task.seq, 1, "answered", NOW)
    assert board.queue.in_the_way(other, ["medium"]) is None
