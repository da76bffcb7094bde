"""An older board is brought up to date a whole step at a time, behind a copy of itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from koubou.board import Board, connection, open_for_writing
from koubou.board.migrating import BACKUPS, copy_aside, migrations
from koubou.board.space import give_back, wipe_log
from koubou.errors import BoardUnavailable, BoardUnusable
from tests.contract.way import drop

FIRST = (1, "CREATE TABLE parent (id INTEGER PRIMARY KEY, word TEXT) STRICT;")
SECOND = (
    2,
    """CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent (id), word TEXT) STRICT;
       INSERT INTO child SELECT id, 'of ' || word FROM parent;""",
)
ANEW = (
    3,
    """CREATE TABLE parent_new (id INTEGER PRIMARY KEY, word TEXT NOT NULL, more INTEGER NOT NULL DEFAULT 7) STRICT;
       INSERT INTO parent_new (id, word) SELECT id, word FROM parent;
       DROP TABLE parent;
       ALTER TABLE parent_new RENAME TO parent;""",
)
ORPHANS = (3, "DELETE FROM parent;")
HALF = (3, "CREATE TABLE half (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "koubou.db"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """The steps that the program knows: changed by a test as a newer program would."""
    steps = [FIRST]
    monkeypatch.setattr(connection, "_migrations", lambda: steps)
    return steps


def serve(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Open it as a master does; do this; what parents there are."""
    with closing(open_for_writing(path)) as board:
        for statement in statements:
            board.execute(statement)
        return [tuple(row) for row in board.execute("SELECT * FROM parent ORDER BY id")]


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as board:
        return int(board.execute("PRAGMA user_version").fetchone()[0])


def copies(path: Path) -> list[Path]:
    folder = path.parent / BACKUPS
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_stood_in_an_older_board_stands_in_the_newer_one(path: Path, known: list[tuple[int, str]]) -> None:
    serve(path, "INSERT INTO parent VALUES (1, 'one'), (2, 'two')")
    known += [SECOND, ANEW]
    assert serve(path) == [(1, "one", 7), (2, "two", 7)]
    assert version(path) == 3
    with closing(sqlite3.connect(path)) as board:
        assert board.execute("SELECT * FROM child").fetchall() == [(1, "of one"), (2, "of two")]
        assert board.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_board_is_copied_before_it_is_changed_and_only_then(path: Path, known: list[tuple[int, str]]) -> None:
    serve(path, "INSERT INTO parent VALUES (1, 'one')")
    serve(path)
    assert copies(path) == []
    known += [SECOND, ANEW]
    serve(path)
    (copy,) = copies(path)
    assert copy.name.startswith("koubou-1-")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert version(copy) == 1
    serve(path)
    assert copies(path) == [copy]
    # The way back: the older program serves the copy.
    del known[1:]
    assert serve(copy) == [(1, "one")]


@pytest.mark.parametrize("bad", [HALF, ORPHANS], ids=["a statement that fails", "keys that lead nowhere"])
def test_a_step_that_fails_changes_nothing_and_those_before_it_stay(
    path: Path, known: list[tuple[int, str]], bad: tuple[int, str]
) -> None:
    serve(path, "INSERT INTO parent VALUES (1, 'one')")
    known += [SECOND, bad]
    for _ in range(2):
        with pytest.raises(BoardUnusable):
            open_for_writing(path)
        assert version(path) == 2
    known.pop()
    assert serve(path) == [(1, "one")]
    with closing(sqlite3.connect(path)) as board:
        names = {row[0] for row in board.execute("SELECT name FROM sqlite_schema")}
    assert "child" in names
    assert "half" not in names


def test_the_keys_are_guarded_again_after_a_step(path: Path, known: list[tuple[int, str]]) -> None:
    known += [SECOND]
    with pytest.raises(sqlite3.IntegrityError):
        serve(path, "INSERT INTO child VALUES (77, 'of nobody')")


def test_where_the_board_cannot_be_copied_it_is_not_changed(path: Path, known: list[tuple[int, str]]) -> None:
    serve(path, "INSERT INTO parent VALUES (1, 'one')")
    known += [SECOND]
    (path.parent / BACKUPS).write_text("in the way")
    with pytest.raises(BoardUnavailable, match="cannot be copied before it is changed"):
        open_for_writing(path)
    assert version(path) == 1


def test_only_the_newest_copies_are_kept_and_nobody_elses_files_go(path: Path, known: list[tuple[int, str]]) -> None:
    folder = path.parent / BACKUPS
    folder.mkdir()
    (folder / "mine.db").write_text("a person's")
    with closing(open_for_writing(path)) as board:
        made = []
        for number in range(5):
            made.append(copy_aside(board, path, str(number)))
            os.utime(made[-1], (number, number))
    assert copies(path) == sorted([folder / "mine.db", *made[2:]])


def test_the_steps_of_the_program_are_numbered_without_a_gap() -> None:
    steps = migrations()
    assert [number for number, _ in steps] == list(range(1, len(steps) + 1))


def test_a_fresh_board_gives_room_back_and_keeps_nothing_of_what_was_removed(path: Path) -> None:
    with closing(open_for_writing(path)) as opened:
        board = Board(opened)
        assert opened.execute("PRAGMA auto_vacuum").fetchone()[0] == 2
        assert opened.execute("PRAGMA secure_delete").fetchone()[0] == 1
        with board.transaction():
            for number in range(400):
                drop(board, f"t{number}", system="a-word-to-be-forgotten " * 2_000)
        with board.transaction():
            opened.execute("DELETE FROM task")
        assert wipe_log(opened)
        before = path.stat().st_size
        rounds = 0
        while give_back(opened):
            rounds += 1
        assert rounds > 1  # in portions
        assert wipe_log(opened)
        assert path.stat().st_size < before / 2
        kept = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())
        assert b"a-word-to-be-forgotten" not in kept


def test_who_waits_on_a_board_of_the_first_version_keeps_his_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list(migrations())
    with monkeypatch.context() as older:
        older.setattr(connection, "_migrations", lambda: steps[:1])
        with closing(open_for_writing(path)) as board:
            columns = "id, claim, document, digest, owner, type, title, status, waiting, priority, input_bytes"
            more = "requires_high_capability, message_count, on_interrupt, has_dependencies, created_at, updated_at"
            board.executemany(
                f"INSERT INTO task ({columns}, {more}, not_before) "
                "VALUES (?1, ?1, 1, '', 1000, 'general', '', 'pending', 'classify', ?2, 9, "
                "0, 1, 'retry', 0, ?3, 0, ?4)",
                [("early", 5, 1_000_000, 1), ("urgent", 9, 1_060_000, None), ("late", 9, 1_000_000, 2_000_000)],
            )
            board.execute("INSERT INTO task_lock SELECT seq, 'tree' FROM task WHERE id = 'late'")
    with closing(open_for_writing(path)) as board:
        tasks = [Board(board).tasks.get(name) for name in ("early", "urgent", "late")]
    assert [(task.ripe_at, task.has_locks) for task in tasks if task is not None] == [
        (1_150_000, False),
        (1_090_000, False),
        (2_030_000, True),
    ]
