"""Reading the board beside the master: short questions, by index, and never a write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW, a_new_task

from koubou.board import Board, open_for_writing
from koubou.board.filter import Filter
from koubou.board.reading import SQL, Reading, open_reading
from koubou.errors import BoardUnavailable, UsageMistake
from koubou.model.account import Limit
from koubou.model.decision import Reason, Routed
from koubou.model.money import USD
from koubou.model.status import Move, Park, ParkReason, Status
from koubou.model.task import Difficulty, Sensitivity


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Board]:
    """The master's connection, with four tasks: one in the queue, one parked, one done, one new."""
    board = Board(open_for_writing(tmp_path / "koubou.db"))
    with board.transaction():
        for number, name in enumerate(("queued", "parked", "done", "new")):
            board.tasks.insert(a_new_task(name, session="spring" if name == "done" else None), NOW + number)
            task = board.tasks.get(name)
            assert task is not None
            board.history.add(task.seq, "task.enqueued", "from a test", NOW + number)
            if name != "new":
                reasons = (Reason(rule="difficulty.score", reason="score 5"),)
                board.tasks.classified(task, Sensitivity.PUBLIC, Difficulty.LOW, reasons, NOW)
                task = board.tasks.at(task.seq)
                board.tasks.routed(task, Routed(tier="local", reasons=(Reason(rule="tier.low", reason="easy"),)), NOW)
                task = board.tasks.at(task.seq)
            if name == "parked":
                board.tasks.parked(task, Park(reason=ParkReason.RATE, detail="too fast", until=NOW + 99), NOW)
            if name == "done":
                board.tasks.ended(task, Move.CANCELLED, NOW, error={"class": "cancelled", "message": "asked"})
                board.tasks.filed(task.seq, NOW)
        board.ledger.open_account(Limit(name="month:2027-01", limit=USD, ceiling=USD), NOW)
    yield board
    board.connection.close()


@pytest.fixture
def board(writer: Board, tmp_path: Path) -> Iterator[Reading]:
    """The same board beside it, read-only."""
    reading = open_reading(tmp_path / "koubou.db", served=True)
    yield reading
    reading.close()


def ids(board: Reading, **wanted: object) -> list[str]:
    return [task.id for task in board.tasks(Filter(**wanted))]  # type: ignore[arg-type]


def test_every_status_is_counted_also_those_with_no_task(board: Reading) -> None:
    counted = board.counted()
    assert set(counted) == set(Status)
    assert (counted[Status.PENDING], counted[Status.CANCELLED], counted[Status.FAILED]) == (3, 1, 0)
    assert board.parked() == {"rate": 1}
    assert board.queued() == {"local": 1}


def test_filters_narrow_and_the_newest_comes_first(board: Reading) -> None:
    assert ids(board) == ["new", "done", "parked", "queued"]
    assert ids(board, status=["pending"], tier=["local"]) == ["parked", "queued"]
    assert ids(board, park=["rate"]) == ["parked"]
    assert ids(board, session="spring") == ["done"]
    assert ids(board, since=NOW + 2) == ["new", "done"]
    assert ids(board, older=NOW + 2) == ["parked", "queued"]
    assert ids(board, status=["'); DROP TABLE task; --"]) == []
    assert [task.id for task in board.tasks(Filter(), 2)] == ["new", "done"]
    assert board.how_many(Filter(tier=["local"])) == 3


def test_what_the_lean_page_leaves_out_is_there_when_asked(board: Reading) -> None:
    done = board.task("DONE")
    assert done is not None
    assert done.id == "done"
    assert (board.rest(done).error or {})["class"] == "cancelled"
    first = board.history(done)[0]
    assert (first.event, first.reason) == ("task.enqueued", "from a test")
    assert board.history(done, after=first.id) == []


def test_a_picture_stands_still_while_the_master_writes(writer: Board, board: Reading) -> None:
    with board.picture():
        before = board.counted()
        with writer.transaction():
            writer.tasks.insert(a_new_task("late"), NOW)
        assert board.counted() == before
    assert board.counted()[Status.PENDING] == before[Status.PENDING] + 1


def test_a_reader_cannot_write(board: Reading) -> None:
    for query in (
        "DELETE FROM task",
        "UPDATE account SET settled = 0",
        "INSERT INTO latch VALUES ('emergency', 'x', 1)",
        "DROP TABLE task",
        "PRAGMA journal_mode = DELETE",
        "BEGIN",
        "VACUUM INTO '/dev/null'",
    ):
        with pytest.raises(UsageMistake, match="SELECT"):
            board.ask(query)
    assert board.counted()[Status.PENDING] == 3


def test_a_question_cannot_reach_another_file(board: Reading, tmp_path: Path) -> None:
    with pytest.raises(UsageMistake):
        board.ask(f"ATTACH 'file:{tmp_path}/new.db?mode=rwc' AS other")
    assert not (tmp_path / "new.db").exists()


def test_one_question_at_a_time(board: Reading) -> None:
    assert board.ask("SELECT 1 AS one") == (["one"], [(1,)])
    assert board.ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i+1 FROM n WHERE i<3) SELECT max(i) FROM n")[1] == [
        (3,)
    ]
    with pytest.raises(UsageMistake, match="one statement"):
        board.ask("SELECT 1; SELECT 2")
    with pytest.raises(UsageMistake, match="syntax"):
        board.ask("SELEKT 1")


def test_a_backup_is_whole_while_the_master_writes(writer: Board, board: Reading, tmp_path: Path) -> None:
    with writer.transaction():
        writer.tasks.insert(a_new_task("under-way"), NOW)
        board.back_up(tmp_path / "copy.db")
    copy = sqlite3.connect(tmp_path / "copy.db")
    try:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT COUNT(*) FROM task").fetchone() == (4,)
    finally:
        copy.close()
    assert not list(tmp_path.glob(".copy*"))


def test_a_backup_that_cannot_be_made_is_an_os_error(board: Reading, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="unable to open"):
        board.back_up(tmp_path / "no-folder" / "copy.db")


def test_no_board_and_no_database_are_told_apart_from_bugs(tmp_path: Path) -> None:
    with pytest.raises(BoardUnavailable, match="koubou serve"):
        open_reading(tmp_path / "koubou.db", served=False)
    (tmp_path / "koubou.db").write_bytes(b"no database at all, but long enough to look like one" * 50)
    board = open_reading(tmp_path / "koubou.db", served=False)
    with pytest.raises(BoardUnavailable, match="cannot be read"):
        board.counted()
    board.close()


@pytest.mark.parametrize(
    ("name", "index"),
    [("counted", "task_by_status"), ("parked", "task_parked_for"), ("queued", "task_queue"), ("running", "run_open")],
)
def test_status_is_counted_by_index(writer: Board, name: str, index: str) -> None:
    plan = " ".join(row["detail"] for row in writer.connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}"))
    assert index in plan
