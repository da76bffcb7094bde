"""koubou board check and restore: what is wrong is said, and a copy takes the board's place whole or not at all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rehearsing import a_rehearsal, drop
from workshop import Workshop

SETTINGS = 78
NO_MASTER = 69
BAD = 65


@pytest.fixture(scope="module")
def two_answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a workshop that has given two answers and is stopped."""
    kept = tmp_path_factory.mktemp("kept") / "home"
    with a_rehearsal() as workshop:
        workshop.start()
        drop(workshop, 0, 2)
        workshop.wait_for_ends(2)
        assert workshop.stop() == 0
        shutil.copytree(workshop.home, kept, symlinks=True)
    return kept


@pytest.fixture
def workshop(two_answers: Path) -> Iterator[Workshop]:
    """A workshop with two answers, that is stopped."""
    with a_rehearsal() as workshop:
        shutil.copytree(two_answers, workshop.home, symlinks=True)
        yield workshop


def board_of(workshop: Workshop) -> Path:
    return workshop.home / "board/koubou.db"


def write(workshop: Workshop, *statements: str) -> None:
    """What a person might do with a shell, against all advice."""
    with closing(sqlite3.connect(board_of(workshop))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def check(workshop: Workshop) -> list[tuple[str, str, str]]:
    done = workshop.koubou("board", "check", "--json")
    assert "Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert done.returncode == (0 if said["ok"] else 1)
    assert said["ok"] == (not said["troubles"])
    return [(each["kind"], each["where"], each["what"]) for each in said["troubles"]]


def damage_a_page(path: Path) -> None:
    """Break the inside of one page of a table, and leave the rest."""
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'request'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x0d" + b"\xff" * 200)


def test_a_whole_board_passes_served_or_not(workshop: Workshop) -> None:
    assert check(workshop) == []
    said = workshop.koubou("board", "check")
    assert (said.returncode, "whole" in said.stdout) == (0, True)
    workshop.start()
    drop(workshop, 2, 30)
    assert check(workshop) == []
    workshop.wait_for_ends(32)
    assert check(workshop) == []


@pytest.mark.parametrize(
    ("statement", "kind", "where"),
    [
        ("UPDATE account SET settled = settled + 1 WHERE name GLOB 'month:*' AND dimension = 'usd'", "money", "month:"),
        (
            "UPDATE account SET held = held + 1, over = over + 1 WHERE name GLOB 'task:*' AND dimension = 'tokens'",
            "money",
            "task:",
        ),
        ("DELETE FROM request WHERE task = 1", "text", "task t"),
        ("UPDATE run SET ended_at = NULL WHERE task = 1", "", ""),
        ("INSERT INTO task_lock VALUES (999, 'nobody')", "keys", "task_lock"),
    ],
)
def test_what_does_not_add_up_is_told(workshop: Workshop, statement: str, kind: str, where: str) -> None:
    write(workshop, statement)
    troubles = check(workshop)
    if not kind:
        assert troubles == []  # a run that a dead master left: the next one accounts for it
        return
    assert {trouble[0] for trouble in troubles} == {kind}
    assert all(where in trouble[1] for trouble in troubles)


def test_folders_that_do_not_agree_with_the_board_are_told(workshop: Workshop) -> None:
    completed = workshop.home / "tasks/completed"
    shutil.rmtree(completed / "t0")
    (completed / "stranger").mkdir()
    assert {(kind, where) for kind, where, _ in check(workshop)} == {
        ("folder", "completed/t0"),
        ("folder", "completed/stranger"),
    }


def test_a_damaged_page_is_told_and_never_served(workshop: Workshop) -> None:
    damage_a_page(board_of(workshop))
    troubles = check(workshop)
    assert troubles
    assert {kind for kind, *_ in troubles} == {"pages"}
    workshop.launch()
    assert workshop.exit_code() == SETTINGS
    said = (workshop.folder / "stderr").read_text()
    assert "damaged" in said
    assert "koubou board restore" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("content", [b"no board at all" * 1000, b""])
def test_a_file_that_is_no_board_is_told(workshop: Workshop, content: bytes) -> None:
    board_of(workshop).write_bytes(content)
    assert {kind for kind, *_ in check(workshop)} <= {"pages", "version"}
    assert check(workshop) != []


def test_a_board_of_a_newer_program_is_refused_with_a_clear_word(workshop: Workshop) -> None:
    write(workshop, "PRAGMA user_version = 9999")
    assert {kind for kind, *_ in check(workshop)} == {"version"}
    workshop.launch()
    assert workshop.exit_code() == SETTINGS
    assert "upgrade koubou" in (workshop.folder / "stderr").read_text()


def test_the_way_back_from_a_damaged_board(workshop: Workshop) -> None:
    copy = workshop.folder / "copy.db"
    assert workshop.koubou("board", "backup", str(copy)).returncode == 0
    workshop.start()
    drop(workshop, 2, 1)
    workshop.wait_for_ends(3)
    assert workshop.stop() == 0
    damage_a_page(board_of(workshop))
    damaged = board_of(workshop).read_bytes()
    content = copy.read_bytes()
    said: dict[str, Any] = json.loads(workshop.koubou("board", "restore", str(copy), "--json").stdout)
    assert Path(said["aside"]).read_bytes() == damaged
    assert copy.read_bytes() == content
    assert said["until"] is not None
    # What was done since is on its shelf, and the board does not know it: that is said.
    assert [(kind, where) for kind, where, _ in check(workshop)] == [("folder", "completed/t2")]
    workshop.start()
    assert workshop.counts() == {"completed": 2}
    drop(workshop, 3, 1)
    workshop.wait_until(lambda: "t3" in workshop.completed, "the next task to be done")
    assert workshop.stop() == 0


def test_what_a_killed_master_had_in_its_log_is_kept_aside_and_not_mixed_in(workshop: Workshop) -> None:
    copy = workshop.folder / "copy.db"
    assert workshop.koubou("board", "backup", str(copy)).returncode == 0
    workshop.start()
    drop(workshop, 2, 3)
    workshop.wait_for_ends(5)
    workshop.kill()
    assert Path(f"{board_of(workshop)}-wal").stat().st_size > 0
    said = json.loads(workshop.koubou("board", "restore", str(copy), "--json").stdout)
    assert not Path(f"{board_of(workshop)}-wal").exists()
    count = "SELECT COUNT(*) FROM task"
    with closing(sqlite3.connect(said["aside"])) as old, closing(sqlite3.connect(board_of(workshop))) as new:
        assert (old.execute(count).fetchone()[0], new.execute(count).fetchone()[0]) == (5, 2)


def test_the_log_of_a_board_that_cannot_be_opened_goes_aside_with_it(workshop: Workshop) -> None:
    copy = workshop.folder / "copy.db"
    assert workshop.koubou("board", "backup", str(copy)).returncode == 0
    change = "import os, sqlite3, sys; board = sqlite3.connect(sys.argv[1], isolation_level=None)"
    change += "; board.execute('UPDATE task SET priority = 1'); os._exit(0)"  # dies with a log that lacks page one
    subprocess.run([sys.executable, "-c", change, str(board_of(workshop))], check=True)
    log = Path(f"{board_of(workshop)}-wal").read_bytes()
    with board_of(workshop).open("r+b") as file:
        file.write(b"no board at all " * 20)
    said = json.loads(workshop.koubou("board", "restore", str(copy), "--json").stdout)
    assert Path(f"{said['aside']}-wal").read_bytes() == log
    assert not Path(f"{board_of(workshop)}-wal").exists()
    workshop.start()
    assert workshop.counts() == {"completed": 2}
    assert workshop.stop() == 0


def test_nothing_is_restored_while_a_master_serves(workshop: Workshop) -> None:
    copy = workshop.folder / "copy.db"
    workshop.koubou("board", "backup", str(copy))
    workshop.start()
    refused = workshop.koubou("board", "restore", str(copy))
    assert refused.returncode == NO_MASTER
    assert "stop it first" in refused.stderr
    assert workshop.counts() == {"completed": 2}


def test_a_copy_that_is_not_whole_changes_nothing(workshop: Workshop) -> None:
    before = board_of(workshop).read_bytes()
    copy = workshop.folder / "copy.db"
    shutil.copyfile(board_of(workshop), copy)
    damage_a_page(copy)
    (workshop.folder / "text.db").write_text("no board at all\n" * 500)
    sqlite3.connect(workshop.folder / "other.db").execute("CREATE TABLE x (y)").connection.close()
    for name in ("copy.db", "text.db", "other.db"):
        refused = workshop.koubou("board", "restore", str(workshop.folder / name))
        assert refused.returncode == BAD, (name, refused.stderr)
        assert "Traceback" not in refused.stderr
    assert workshop.koubou("board", "restore", str(workshop.folder / "nowhere.db")).returncode == 64
    assert workshop.koubou("board", "restore", str(board_of(workshop))).returncode == 64
    assert workshop.koubou("board", "restore").returncode == 64
    assert board_of(workshop).read_bytes() == before
    assert [path.name for path in board_of(workshop).parent.iterdir()] == ["koubou.db"]
