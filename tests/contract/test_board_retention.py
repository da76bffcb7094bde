"""What every board promises about forgetting: who may go, in which order, what stays, and that money stays whole."""

from __future__ import annotations

import pytest

from koubou.board import Board
from koubou.board.care import check
from koubou.model.account import Amounts, Entry, Limit
from koubou.model.instant import DAY
from koubou.model.money import USD
from koubou.model.retention import NEVER, Cutoffs, Removal
from koubou.model.status import Move
from koubou.model.task import Sensitivity
from tests.builders import NOW, a_bearer, a_price
from tests.contract.way import admit, classify, drop, end, file, led_to, route, rows

LATER = NOW + 100 * DAY


def before(**changes: int) -> Cutoffs:
    usual = dict.fromkeys(("completed", "failed", "confidential", "runs", "ids", "rejected"), NEVER)
    return Cutoffs(**{**usual, **changes})


ALL = before(completed=LATER, failed=LATER, confidential=LATER)


def ended(board: Board, task_id: str, **asked: object) -> int:
    """A task that has ended, been filed, and has no open run."""
    task = led_to(board, file, task_id, **asked)
    board.runs.ended(task.seq, 1, "answered", NOW)
    return task.seq


def due(board: Board, cutoffs: Cutoffs = ALL) -> list[str]:
    return [task_id for _, task_id in board.kept.due_texts(cutoffs, 10)]


def held(board: Board, task_id: str, call: str) -> None:
    account = board.ledger.open_account(Limit(name=f"task:{task_id}", limit=USD, ceiling=USD), NOW)
    entry = Entry(
        call=call,
        task=task_id,
        operation="general",
        run=1,
        tier="medium",
        model="model",
        accounts=(account.key,),
        price=a_price(),
    )
    assert board.ledger.hold(entry, Amounts(usd=5), [a_bearer(account)], NOW)


def test_only_what_has_ended_and_been_filed_goes(board: Board) -> None:
    for task_id, far in {"new": None, "routed": route, "working": admit, "decided": end}.items():
        led_to(board, far, task_id) if far else drop(board, task_id)
    ended(board, "over")
    assert due(board) == ["over"]


def test_what_ended_after_the_moment_stays(board: Board) -> None:
    ended(board, "over")
    assert due(board, before(completed=NOW)) == []
    assert due(board, before(completed=NOW + 1)) == ["over"]
    assert due(board, before(failed=LATER)) == []


def test_a_failed_task_goes_by_the_time_of_failed_ones(board: Board) -> None:
    task = drop(board, "sad")
    board.tasks.ended(task, Move.FAILED, NOW, error={"class": "x", "code": "y", "message": "it quotes the text"})
    board.tasks.filed(task.seq, NOW)
    assert due(board, before(completed=LATER)) == []
    assert due(board, before(failed=LATER)) == ["sad"]
    board.kept.owe(task.seq, Removal.TEXT, "koubou", NOW)
    board.kept.text_removed(task.seq, Removal.TEXT, LATER)
    error = board.tasks.error_of(task.seq)
    assert error is not None
    assert (error["class"], error["code"]) == ("x", "y")
    assert "quotes" not in error["message"]


def test_confidential_tasks_go_first_and_by_the_shorter_time(board: Board) -> None:
    ended(board, "open")
    seq = ended(board, "secret")
    board.tasks.set_sensitivity(board.tasks.at(seq), Sensitivity.CONFIDENTIAL, NOW)
    assert due(board) == ["secret", "open"]
    assert due(board, before(confidential=LATER)) == ["secret"]


def test_what_a_waiting_task_needs_stays_until_that_has_ended(board: Board) -> None:
    ended(board, "first")
    needy = drop(board, "second", depends_on=("FIRST",))
    assert due(board) == []
    assert board.kept.needed_by(board.tasks.get("first")) == "second"
    board.tasks.ended(needy, Move.CANCELLED, NOW)
    assert due(board) == []
    board.tasks.filed(needy.seq, NOW)
    assert due(board) == ["first", "second"]


def test_what_has_money_held_stays_until_it_is_settled(board: Board) -> None:
    seq = ended(board, "over")
    held(board, "over", "late")
    assert due(board) == []
    assert board.kept.is_held(board.tasks.at(seq))
    hold = board.ledger.open_hold("late")
    assert hold is not None
    board.ledger.release(hold, NOW)
    assert due(board) == ["over"]


def test_what_has_a_run_under_way_stays(board: Board) -> None:
    led_to(board, file, "over")  # its run has not ended
    assert due(board) == []


def test_a_removal_is_owed_once_until_it_is_done(board: Board) -> None:
    seq = ended(board, "over")
    assert board.kept.owe(seq, Removal.TEXT, "koubou", NOW)
    assert due(board) == []
    assert [(owed.task_id, owed.what) for owed in board.kept.owed(9)] == [("over", Removal.TEXT)]
    assert board.tasks.text(seq)
    assert board.kept.text_removed(seq, Removal.TEXT, LATER)
    assert not board.kept.text_removed(seq, Removal.TEXT, LATER)
    assert board.kept.owed_count() == 0
    assert due(board) == []


def test_after_its_text_a_task_is_still_known_as_the_same(board: Board) -> None:
    seq = ended(board, "over", title="about something")
    known = board.tasks.identity("over")
    board.history.add(seq, "task.completed", "1 run", NOW)
    board.kept.owe(seq, Removal.TEXT, "koubou", NOW)
    board.kept.text_removed(seq, Removal.TEXT, LATER)
    assert board.tasks.identity("over") == known
    assert rows(board, "request") == []
    assert board.tasks.at(seq).title == ""
    assert [line[1] for line in board.history.of_task(seq)] == ["task.completed"]
    assert board.kept.gone_of(seq) == (LATER, None)


def test_of_a_purged_task_only_the_id_and_the_money_stay(board: Board) -> None:
    seq = ended(board, "over", title="about something", session="s", parent="p", depends_on=("other",))
    board.history.add(seq, "task.enqueued", "from about-something.yaml", NOW)
    held(board, "over", "call")
    hold = board.ledger.open_hold("call")
    assert hold is not None
    board.ledger.settle(hold, Amounts(usd=3, calls=1), None, unreconciled=False, now=NOW)
    lines = [tuple(row) for row in rows(board, "ledger")]
    board.kept.owe(seq, Removal.PURGE, "root", NOW)
    board.kept.text_removed(seq, Removal.PURGE, LATER)
    assert board.kept.gone_of(seq) == (LATER, LATER)
    for table in ("request", "run", "dependency"):
        assert rows(board, table) == [], table
    assert board.history.of_task(seq) == []
    (task,) = rows(board, "task")
    assert (task["id"], task["title"], task["session"], task["parent"]) == ("over", "", None, None)
    assert "about" not in "".join(str(value) for value in tuple(task))
    assert [tuple(row) for row in rows(board, "ledger")] == lines


def test_the_records_of_calls_go_without_the_text(board: Board) -> None:
    seq = ended(board, "over")
    assert [task_id for _, task_id in board.kept.due_runs(before(runs=LATER), 9)] == ["over"]
    board.kept.owe(seq, Removal.RUNS, "koubou", NOW)
    assert due(board) == ["over"]  # its text may be due meanwhile
    board.kept.runs_removed(seq, LATER)
    assert board.kept.due_runs(before(runs=LATER), 9) == []
    assert due(board) == ["over"]
    assert board.tasks.text(seq)


def test_a_forgotten_id_begins_anew_and_the_ledger_still_adds_up(board: Board) -> None:
    seq = ended(board, "over")
    held(board, "over", "call")
    hold = board.ledger.open_hold("call")
    assert hold is not None
    board.ledger.settle(hold, Amounts(usd=3, tokens=2, calls=1, time=4), None, unreconciled=False, now=NOW)
    count = len(rows(board, "ledger"))
    assert board.kept.due_ids(before(ids=LATER), 9) == []  # its text is still there
    board.kept.owe(seq, Removal.TEXT, "koubou", NOW)
    board.kept.text_removed(seq, Removal.TEXT, NOW)
    assert [task_id for _, task_id in board.kept.due_ids(before(ids=LATER), 9)] == ["over"]
    board.kept.forget(seq, "over", LATER)
    assert rows(board, "task") == []
    assert board.ledger.account("task:over") is None
    assert len(rows(board, "ledger")) == count + 1
    assert board.ledger.usage_of_task("over").cost == 0
    held(board, "over", "again")
    account = board.ledger.account("task:over")
    assert account is not None
    assert (account.settled, account.held) == (0, 5)
    assert [trouble for trouble in check(board.connection, served=True) if "account" in trouble.where] == []


@pytest.mark.parametrize("far", [classify, admit, end])
def test_nothing_is_owed_of_what_has_not_been_filed(board: Board, far: object) -> None:
    task = led_to(board, far, "early")  # type: ignore[arg-type]
    assert not board.kept.owe(task.seq, Removal.PURGE, "root", NOW)
