"""What every board must do, whatever keeps it: who comes second moves nothing, and what was put there comes back."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from msgspec.structs import replace

from koubou.board import Board
from koubou.errors import IllegalMove
from koubou.model.decision import Finding
from koubou.model.status import Move, Status, Waiting
from koubou.model.task import Attachment, Difficulty, Message, Sensitivity, TaskBudget
from tests.builders import NOW, a_new_task, a_secret
from tests.contract.way import (
    WAY,
    Step,
    a_run,
    admit,
    classify,
    drop,
    end,
    fail,
    failed,
    file,
    led_to,
    park,
    reroute,
    retry,
    revive,
    route,
    rows,
    start,
)


def test_a_task_comes_back_as_it_was_put_there(board: Board) -> None:
    new = a_new_task(
        "a-task", priority=9, session="s", max_output_tokens=5, retries=2, locks=("l",), expires_at=NOW + 1
    )
    task = board.tasks.at(board.tasks.insert(new, NOW))
    same = set(type(task).__struct_fields__) & set(type(new).__struct_fields__) - {"budget", "bounds"}
    assert {name: getattr(task, name) for name in same} == {name: getattr(new, name) for name in same}
    assert (task.status, task.waiting, task.park, task.run) == (Status.PENDING, Waiting.CLASSIFY, None, 0)
    assert board.tasks.get("A-TASK") == task
    assert board.tasks.get("another") is None


def test_a_task_walks_the_whole_way(board: Board) -> None:
    stands = [Status.ROUTING, Status.PENDING, Status.ASSIGNED, Status.IN_PROGRESS, Status.IN_PROGRESS, Status.COMPLETED]
    waits = [Waiting.ROUTE, Waiting.ADMIT, Waiting.RUN, Waiting.RUN, Waiting.FILE, None]
    task = drop(board)
    for step, status, waiting in zip(WAY, stands, waits, strict=True):
        step(board, task)
        task = board.tasks.at(task.seq)
        assert (task.status, task.waiting) == (status, waiting), step.__name__
    assert (task.outcome, task.tier, task.run, task.attempts) == (Status.COMPLETED, "medium", 1, 1)


@pytest.mark.parametrize(
    ("step", "seen_after"),
    [
        (classify, None),
        (park, None),
        (route, classify),
        (park, classify),
        (admit, route),
        (park, route),
        (reroute, route),
        (start, admit),
        (retry, admit),
        (end, start),
        (retry, start),
        (revive, file),
    ],
)
def test_who_comes_second_moves_nothing(board: Board, step: Step, seen_after: Step | None) -> None:
    """Two see a task at the same place; once it has moved on, what the second saw is no longer true."""
    seen = failed(board) if step is revive else led_to(board, seen_after) if seen_after else drop(board)
    going_on = {admit: end, start: end, file: revive}.get(seen_after) if seen_after else classify
    (going_on or WAY[WAY.index(seen_after) + 1])(board, seen)  # type: ignore[arg-type]
    before = rows(board, "task")
    with pytest.raises(IllegalMove):
        step(board, seen)
    assert rows(board, "task") == before


@pytest.mark.parametrize("step", [classify, route, admit, start, retry, reroute, park, end])
def test_a_task_whose_end_is_filed_goes_nowhere_but_by_a_persons_wish(board: Board, step: Step) -> None:
    task = failed(board)
    with pytest.raises(IllegalMove):
        step(board, task)
    revive(board, task)
    again = board.tasks.at(task.seq)
    assert (again.status, again.waiting, again.outcome, again.run) == (Status.ROUTING, Waiting.ROUTE, None, 1)


@pytest.mark.parametrize("step", [classify, route, admit, start, retry, reroute, park, end, revive])
def test_a_task_whose_answer_is_filed_goes_nowhere(board: Board, step: Step) -> None:
    task = led_to(board, file)
    before = rows(board, "task")
    with pytest.raises(IllegalMove):
        step(board, task)
    assert rows(board, "task") == before


def test_a_task_that_is_not_filed_cannot_be_taken_up_again(board: Board) -> None:
    task = led_to(board, start)
    fail(board, task)
    with pytest.raises(IllegalMove):
        board.tasks.revived(replace(task, status=Status.FAILED), NOW)


def test_a_task_that_never_was_classified_is_classified_when_it_is_taken_up_again(board: Board) -> None:
    task = drop(board)
    board.tasks.ended(task, Move.CANCELLED, NOW)
    board.tasks.filed(task.seq, NOW)
    revive(board, board.tasks.at(task.seq))
    task = board.tasks.at(task.seq)
    assert task.waiting is Waiting.CLASSIFY
    classify(board, task)


def test_a_started_run_is_the_current_one_or_none(board: Board) -> None:
    task = led_to(board, admit)
    with pytest.raises(IllegalMove):
        board.tasks.started(replace(task, run=2), NOW)


def test_a_task_is_filed_once(board: Board) -> None:
    task = led_to(board, end)
    assert board.tasks.owed_filings(9) == [(task.seq, "a-task")]
    filed = board.tasks.filed(task.seq, NOW)
    assert filed is not None
    assert filed.status is Status.COMPLETED
    assert board.tasks.filed(task.seq, NOW) is None
    assert board.tasks.owed_filings(9) == []


def test_an_end_keeps_its_error(board: Board) -> None:
    task = drop(board)
    board.tasks.ended(task, Move.FAILED, NOW, error={"class": "budget", "message": "工房"})
    assert board.tasks.error_of(task.seq) == {"class": "budget", "message": "工房"}
    assert board.tasks.error_of(drop(board, "other").seq) is None


def test_a_request_comes_back_word_for_word(board: Board) -> None:
    asked: dict[str, Any] = {
        "title": "工房",
        "messages": (Message(role="user", content="é\x00\u2028"), Message(role="assistant", content="ok")),
        "system": "Be brief.",
        "attachments": (Attachment(name="a.py", content="print('🏮')\n"),),
        "difficulty": Difficulty.HIGH,
        "sensitivity": Sensitivity.INTERNAL,
        "depends_on": ("b",),
        "inputs": {"plan": "b"},
        "budget": TaskBudget(cost=5, tokens=6, time=7),
        "response_format": {"type": "object", "properties": {"a": {"enum": [1, None, 2.5]}}},
        "expect": ("reason",),
        "metadata": {"ticket": ["ABC-1", {"deep": True}]},
        "temperature": 0.5,
        "isolate": False,
    }
    seq = board.tasks.insert(a_new_task("a-task", "Hello", findings=(a_secret(),), score=7, **asked), NOW)
    source, request = board.tasks.request(seq)
    assert source == "prompt: Hello\n"
    assert {name: getattr(request, name) for name in asked} == asked
    assert (request.prompt, request.priority, request.retries) == ("Hello", 5, None)
    findings, score = board.tasks.examination(seq)
    assert findings == [Finding(category="private_key", where="prompt", rule="private-key", line=1, sample="--")]
    assert score == 7


def test_a_run_takes_its_place_until_it_ends_and_ends_once(board: Board) -> None:
    task = led_to(board, admit)
    assert board.runs.open_count() == {"worker": 1}
    assert board.runs.owed() == [(task.seq, 1, "worker", "a-task")]
    board.runs.sent(task.seq, 1, NOW)
    board.runs.sent(task.seq, 1, NOW + 5)
    assert board.runs.started(task.seq, 1, NOW + 1)
    assert not board.runs.started(task.seq, 1, NOW + 2)
    (found,) = board.runs.of_task(task.seq)
    assert (found.sent_at, found.started_at, found.ended_at) == (NOW, NOW + 1, None)
    assert board.runs.open_of_worker("worker") == [("a-task", found)] == board.runs.open()
    assert board.runs.ended(task.seq, 1, "answered", NOW + 3)
    assert not board.runs.ended(task.seq, 1, "lost", NOW + 4)
    assert not board.runs.started(task.seq, 1, NOW + 4)
    (found,) = board.runs.of_task(task.seq)
    assert (found.outcome, found.ended_at) == ("answered", NOW + 3)
    assert board.runs.open_count() == {}
    assert board.runs.owed() == []
    assert board.runs.get(task.seq, 2) is None


def test_a_run_and_a_call_are_there_once(board: Board) -> None:
    task = led_to(board, admit)
    for twin in (a_run(task, 1), replace(a_run(task, 2), call="a-task-1")):
        with pytest.raises(sqlite3.IntegrityError):
            board.runs.insert(twin)
