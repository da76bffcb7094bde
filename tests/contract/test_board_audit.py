"""The chain of the history on a real board: what was changed shows, what went with its task does not."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from koubou.board.board import Board
from koubou.board.connection import open_in_memory
from koubou.board.reading import Reading
from koubou.model.access import Caller, Role
from koubou.rules.chain import Verdict, follow, head_of
from tests.builders import NOW, a_new_task

MALLORY = Caller(actor="mallory", role=Role.GUARDIAN, uid=1003, source="socket")


def verify(board: Board, kept: str | None = None) -> Verdict:
    audit = Reading(board.connection).audit
    return follow(audit.pieces(), audit.counted(), None if kept is None else head_of(kept))


def a_board(tasks: int = 3, rounds: int = 3) -> Board:
    """Lines of several tasks and of the workshop, in turns."""
    board = Board(open_in_memory())
    seqs = [board.tasks.insert(a_new_task(f"task-{number}"), NOW) for number in range(tasks)]
    for number in range(rounds):
        for seq in seqs:
            board.history.add(seq, "task.parked", f"round {number}", NOW + number)
        board.history.add(None, "budget.set", f"round {number}", NOW + number, MALLORY)
    return board


def tamper(board: Board, *statements: str) -> None:
    """What somebody does who can write the file: the triggers do not hold him."""
    for name in ("history_is_only_added", "history_goes_with_its_task", "history_leaves_a_gap"):
        board.connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    for statement in statements:
        board.connection.execute(statement)


def forget(board: Board, task_id: str) -> None:
    """As retention does."""
    before = board.history.removed()
    board.connection.execute("DELETE FROM task WHERE id = ?", (task_id,))
    board.history.account_for_removed(before, NOW)


def test_a_history_that_nobody_touched_is_whole() -> None:
    found = verify(a_board())
    assert found.broken is None
    assert (found.proven, found.unproven, found.removed) == (13, 0, 0)
    assert found.head_id == 13


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE history SET reason = 'nothing' WHERE id = 5", 5),
        ("UPDATE history SET actor = 'kim' WHERE id = 5", 5),
        ("UPDATE history SET source = 'api' WHERE id = 5", 5),
        ("UPDATE history SET at = at + 1 WHERE id = 5", 5),
        ("UPDATE history SET event = 'budget.add' WHERE id = 5", 5),
        ("UPDATE history SET task = 2 WHERE id = 5", 5),
        ("UPDATE history SET hash = x'00' WHERE id = 5", 5),
        ("UPDATE history SET hash = NULL WHERE id = 5", 5),
        ("DELETE FROM history WHERE id = 5", 6),
        ("UPDATE history SET id = 50 WHERE id = 5", 6),
        ("DELETE FROM history WHERE id = 1", 2),
        ("DELETE FROM history WHERE id < 6", 6),
        ("INSERT INTO history (id, at, event, reason) VALUES (14, 1, 'x', 'y')", 14),
    ],
)
def test_what_was_changed_shows_at_its_line(statement: str, line: int) -> None:
    board = a_board()
    tamper(board, statement)
    found = verify(board)
    assert found.broken is not None
    assert f"line {line}" in found.broken


def test_a_line_put_before_the_chain_counts_as_unproven() -> None:
    board = a_board()
    tamper(board, "INSERT INTO history (id, at, event, reason) VALUES (0, 1, 'x', 'y')")
    found = verify(board)
    assert (found.broken, found.unproven) == (None, 1)


def test_lines_cannot_change_places() -> None:
    board = a_board()
    tamper(
        board,
        "UPDATE history SET id = -1 WHERE id = 5",
        "UPDATE history SET id = 5 WHERE id = 6",
        "UPDATE history SET id = 6 WHERE id = -1",
    )
    assert verify(board).broken is not None


def test_a_line_taken_away_as_if_it_had_gone_with_its_task_shows() -> None:
    board = a_board()
    hidden = "INSERT INTO history_gap SELECT id, id, hash FROM history WHERE id = 5"
    tamper(board, hidden, "DELETE FROM history WHERE id = 5")
    assert verify(board).broken == "1 lines are gone, and the history tells of 0"
    tamper(board, "UPDATE history_chain SET removed = 1")
    assert verify(board).broken == "1 lines are gone, and the history tells of 0"


def test_a_line_missing_before_those_that_went_with_their_task_shows_by_its_number_alone() -> None:
    board = a_board()
    forget(board, "task-1")
    tamper(board, "DELETE FROM history WHERE id = 6")  # 7 is a gap, whose hash says nothing of the line before it
    assert verify(board).broken == "after line 5 comes line 7: what is between them is missing"


def test_a_chain_made_anew_is_whole_and_yet_not_the_one_whose_head_was_kept() -> None:
    board = a_board()
    kept = verify(board)
    board.history.add(None, "system.paused", "later", NOW)
    assert verify(board, f"{kept.head_id}:{kept.head}").since is True
    assert verify(board, kept.head).since is True
    tamper(board, "UPDATE history SET reason = 'nothing' WHERE id = 5")
    before = board.connection.execute("SELECT hash FROM history WHERE id = 4").fetchone()["hash"]
    columns = "id, task, at, event, reason, actor, source"
    for row in board.connection.execute(f"SELECT {columns} FROM history WHERE id > 4 ORDER BY id").fetchall():
        query = "SELECT history_hash(?, ?, ?, ?, ?, ?, ?, ?)"
        (before,) = board.connection.execute(query, (before, *tuple(row))).fetchone()
        board.connection.execute("UPDATE history SET hash = ? WHERE id = ?", (before, row["id"]))
    found = verify(board, kept.head)
    assert found.broken is None
    assert found.since is False


def test_a_head_does_not_stand_for_another_line() -> None:
    board = a_board()
    found = verify(board)
    assert verify(board, f"{found.head_id - 1}:{found.head}").since is False


def test_the_end_that_was_cut_off_shows_by_the_kept_head_alone() -> None:
    board = a_board()
    kept = verify(board).head
    tamper(board, "DELETE FROM history WHERE id > 10")
    assert verify(board).broken is None
    assert verify(board, kept).since is False


def test_lines_go_with_their_tasks_and_the_rest_is_proven_still() -> None:
    board = a_board()
    for task_id in ("task-1", "task-0", "task-2"):
        forget(board, task_id)
        assert verify(board).broken is None
    assert verify(board).removed == 9
    # Three rounds of three tasks side by side: neighbours are one gap.
    assert board.connection.execute("SELECT COUNT(*) FROM history_gap").fetchone()[0] == 3


def test_a_line_after_the_last_has_gone_takes_no_number_twice() -> None:
    board = Board(open_in_memory())
    seq = board.tasks.insert(a_new_task(), NOW)
    board.history.add(seq, "task.parked", "the last", NOW)
    board.connection.execute("DELETE FROM task")
    board.history.account_for_removed(0, NOW)
    assert [row["id"] for row in board.connection.execute("SELECT id FROM history ORDER BY id")] == [1, 3]
    assert verify(board).broken is None


def test_a_removal_that_is_undone_leaves_nothing() -> None:
    board = a_board()
    board.connection.execute("BEGIN")
    forget(board, "task-1")
    board.connection.execute("ROLLBACK")
    assert verify(board).removed == 0
    assert verify(board).broken is None


@settings(max_examples=30, deadline=None)
@given(some.lists(some.tuples(some.booleans(), some.integers(0, 5)), max_size=40))
def test_whatever_comes_and_goes_the_chain_holds_and_its_gaps_are_few(deeds: list[tuple[bool, int]]) -> None:
    board = Board(open_in_memory())
    for goes, number in deeds:
        if goes:
            forget(board, f"task-{number}")
        else:
            task = board.tasks.get(f"task-{number}")
            seq = task.seq if task else board.tasks.insert(a_new_task(f"task-{number}"), NOW)
            board.history.add(seq, "task.parked", "x", NOW)
    assert verify(board).broken is None
    counts = (f"SELECT COUNT(*) FROM {name}" for name in ("history", "history_gap"))
    lines, gaps = (board.connection.execute(count).fetchone()[0] for count in counts)
    assert gaps <= lines


def test_lines_from_before_the_chain_are_counted_and_not_proven() -> None:
    board = Board(open_in_memory())
    tamper(board, "UPDATE history SET id = 3", "INSERT INTO history (id, at, event, reason) VALUES (1, 1, 'x', 'y')")
    board.connection.execute(
        "UPDATE history SET hash = history_hash(x'', id, task, at, event, reason, actor, source) WHERE id = 3"
    )
    board.history.add(None, "system.paused", "x", NOW)
    found = verify(board)
    assert (found.broken, found.unproven, found.proven) == (None, 1, 2)


def test_nobody_changes_a_line_by_the_board_itself() -> None:
    board = a_board()
    for statement in ("UPDATE history SET reason = ''", "DELETE FROM history WHERE task IS NULL"):
        with pytest.raises(sqlite3.IntegrityError):
            board.connection.execute(statement)


@pytest.mark.parametrize("text", ["", "x", "12", ":" + "0" * 64, "0" * 63, "1:" + "g" * 64, "-1:" + "0" * 64])
def test_what_is_no_head_is_none(text: str) -> None:
    assert head_of(text) is None
