"""The table of moves."""

import pytest

from koubou.errors import IllegalMove
from koubou.model.status import ENDS, TRANSITIONS, Move, Status, after


def test_a_task_walks_from_its_file_to_its_answer() -> None:
    status = Status.PENDING
    for move in (Move.CLASSIFIED, Move.ROUTED, Move.ADMITTED, Move.STARTED, Move.COMPLETED):
        status = after(status, move)
    assert status is Status.COMPLETED


def test_a_task_that_ended_without_an_answer_can_only_be_tried_again() -> None:
    assert {status: set(TRANSITIONS[status]) for status in ENDS} == {
        Status.COMPLETED: set(),
        Status.FAILED: {Move.RETRIED},
        Status.CANCELLED: {Move.RETRIED},
    }


@pytest.mark.parametrize("status", sorted(set(Status) - ENDS))
def test_whatever_has_not_ended_can_fail_and_be_cancelled(status: Status) -> None:
    assert after(status, Move.FAILED) is Status.FAILED
    assert after(status, Move.CANCELLED) is Status.CANCELLED


def test_what_is_not_in_the_table_is_an_illegal_move() -> None:
    with pytest.raises(IllegalMove, match="a task that is pending cannot be completed"):
        after(Status.PENDING, Move.COMPLETED)
