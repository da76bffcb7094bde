"""The board as a file: opened by one, read by many, brought up to date, refused where it cannot be trusted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from koubou.board import Board, connection, open_for_reading, open_for_writing, open_in_memory
from koubou.board.connection import back_up
from koubou.errors import BoardUnavailable, BoardUnusable
from tests.contract.way import drop, led_to, route, rows

COUNT = "SELECT COUNT(*) FROM task"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "koubou.db"


@contextmanager
def opened(path: Path) -> Iterator[Board]:
    """The one who writes."""
    board = Board(open_for_writing(path))
    try:
        yield board
    finally:
        board.close()


def read(path: Path, query: str = COUNT, *, served: bool) -> object:
    with closing(open_for_reading(path, served=served)) as reader:
        return reader.execute(query).fetchone()[0]


def schema(board: sqlite3.Connection) -> list[tuple[object, ...]]:
    query = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
    return [tuple(row) for row in board.execute(query)]


def test_a_board_is_durable_and_keeps_what_belongs_together(path: Path) -> None:
    with opened(path) as board:
        asked = {
            name: board.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        }
        assert asked == {"journal_mode": "wal", "synchronous": 2}
        assert board.connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert path.stat().st_mode & 0o777 == 0o640


def test_opening_again_changes_nothing(path: Path) -> None:
    with opened(path) as board:
        led_to(board, route)
        before, tasks, version = (
            schema(board.connection),
            rows(board, "task"),
            board.connection.execute("PRAGMA user_version").fetchone()[0],
        )
    for _ in range(2):
        with opened(path) as board:
            assert schema(board.connection) == before
            assert rows(board, "task") == tasks
            assert board.connection.execute("PRAGMA user_version").fetchone()[0] == version > 0


def test_every_board_has_the_same_schema_wherever_it_is_kept(path: Path) -> None:
    with opened(path) as board, closing(open_in_memory()) as in_memory:
        assert schema(board.connection) == schema(in_memory)


def test_a_board_of_a_newer_program_is_refused_and_left_alone(path: Path) -> None:
    with opened(path) as board:
        board.connection.execute("PRAGMA user_version = 9999")
    content = path.read_bytes()
    with pytest.raises(BoardUnusable, match=r"9999.*upgrade koubou"):
        open_for_writing(path)
    assert path.read_bytes() == content


def test_an_older_board_is_brought_up_to_date_a_whole_step_at_a_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as board:
        led_to(board, route)
        newest = board.connection.execute("PRAGMA user_version").fetchone()[0]
    good = (newest + 1, "CREATE TABLE first_step (x INTEGER);")
    bad = (newest + 2, "CREATE TABLE second_step (x INTEGER); INSERT INTO no_such_table VALUES (1);")
    known = connection._migrations()
    monkeypatch.setattr(connection, "_migrations", lambda: [*known, good, bad])
    with pytest.raises(BoardUnusable, match=f"{newest + 1} to {newest + 2}.*no_such_table.*stays as it was"):
        open_for_writing(path)
    monkeypatch.setattr(connection, "_migrations", lambda: [*known, good])
    with opened(path) as board:
        assert board.connection.execute("PRAGMA user_version").fetchone()[0] == newest + 1
        names = {name for kind, name, _ in schema(board.connection) if kind == "table"}
        assert "first_step" in names
        assert "second_step" not in names
        assert len(rows(board, "task")) == 1


@pytest.mark.parametrize("damage", [b"no database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_board_is_refused_with_what_to_do(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with pytest.raises(BoardUnusable, match="koubou board restore"):
        open_for_writing(path)
    assert path.read_bytes() == damage


def test_a_board_whose_schema_is_cut_off_is_refused(path: Path) -> None:
    with opened(path) as board:
        led_to(board, route)
    with path.open("r+b") as file:
        file.seek(100)  # behind the header: the page that says which tables there are
        file.write(b"\xff" * 1000)
    with pytest.raises(BoardUnusable, match="damaged"):
        open_for_writing(path)


def test_a_board_that_cannot_be_reached_may_be_there_later(tmp_path: Path) -> None:
    with pytest.raises(BoardUnavailable):
        open_for_writing(tmp_path / "no-folder" / "koubou.db")
    with pytest.raises(BoardUnavailable, match="koubou serve"):
        open_for_reading(tmp_path / "koubou.db", served=False)


def test_who_reads_sees_what_the_master_commits_and_nothing_before(path: Path) -> None:
    with opened(path) as board, closing(open_for_reading(path, served=True)) as reader:
        with board.transaction():
            drop(board, "one")
            assert reader.execute(COUNT).fetchone()[0] == 0
        assert reader.execute(COUNT).fetchone()[0] == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM task")


def test_with_no_master_the_board_is_read_as_it_lies_and_nothing_is_left_beside_it(path: Path) -> None:
    with opened(path) as board:
        drop(board)
    assert read(path, served=False) == 1
    assert os.listdir(path.parent) == ["koubou.db"]


def test_what_a_killed_master_had_committed_is_read(path: Path) -> None:
    """The commit still stands in the write-ahead log beside the file."""
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from koubou.board import Board, open_for_writing\n"
        "board = Board(open_for_writing(Path(sys.argv[1])))\n"
        "with board.transaction():\n    board.history.add(None, 'system.ready', 'from a test', 1)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert path.with_name("koubou.db-wal").stat().st_size > 0
    assert read(path, "SELECT COUNT(*) FROM history", served=False) == 2
    with opened(path) as board:
        assert [line["event"] for line in rows(board, "history")] == ["history.chained", "system.ready"]


def test_a_backup_taken_while_the_master_writes_is_a_whole_board(path: Path, tmp_path: Path) -> None:
    over = threading.Event()
    begun = threading.Event()

    def write(board: Board) -> None:
        count = 0
        while not over.is_set():
            with board.transaction():
                for _ in range(2):  # always an even number of tasks
                    count += 1
                    drop(board, f"t{count}")
            begun.set()

    with opened(path) as board, closing(open_for_reading(path, served=True)) as reader:
        writer = threading.Thread(target=write, args=(board,))
        writer.start()
        try:
            assert begun.wait(10)
            back_up(reader, tmp_path / "copy.db")
            back_up(reader, tmp_path / "copy.db")  # over an older copy
        finally:
            over.set()
            writer.join()
    assert sorted(name for name in os.listdir(tmp_path) if "copy" in name) == ["copy.db"]
    with opened(tmp_path / "copy.db") as copy:
        count = len(rows(copy, "task"))
        assert count > 0
        assert count % 2 == 0
        assert copy.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert [row["id"] for row in rows(copy, "task")] == [f"t{number}" for number in range(1, count + 1)]


def test_a_board_can_be_put_back_from_its_backup(path: Path, tmp_path: Path) -> None:
    with opened(path) as board:
        led_to(board, route)
        back_up(board.connection, tmp_path / "copy.db")
    path.write_bytes(b"lost" * 2000)
    shutil.copyfile(tmp_path / "copy.db", path)
    with opened(path) as board:
        assert [task.id for task in board.tasks.due_for_tier("medium", 9)] == ["a-task"]
