"""A fault of the board itself is blamed on no task, file or request: the whole turn is undone, or the workshop ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from koubou.board import Board, open_for_writing
from koubou.errors import BoardUnavailable, BoardUnusable
from koubou.model.deed import RejectClaim
from tests.builders import a_new_task, an_arrival
from tests.contract.way import led_to, route
from tests.turns import Workshop


def refusing(code: int) -> Callable[..., NoReturn]:
    """What SQLite does with a full disk (13) or a damaged page (11)."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        kind = sqlite3.DatabaseError if code == sqlite3.SQLITE_CORRUPT else sqlite3.OperationalError
        error = kind("as it says")
        error.sqlite_errorcode = code
        raise error

    return refuse


FAULTS = [(sqlite3.SQLITE_FULL, BoardUnavailable), (sqlite3.SQLITE_CORRUPT, BoardUnusable)]


@pytest.mark.parametrize(("code", "kind"), FAULTS)
def test_no_file_is_rejected_for_it(code: int, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop()
    with monkeypatch.context() as patched:
        patched.setattr(workshop.board.tasks, "insert", refusing(code))
        with pytest.raises(kind):
            workshop.turn(an_arrival(a_new_task()))
    assert not any(isinstance(deed, RejectClaim) for deed in workshop.deeds)
    workshop.drop(a_new_task())
    assert workshop.task()


@pytest.mark.parametrize(("code", "kind"), FAULTS)
def test_no_task_is_set_aside_for_it(code: int, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop()
    with monkeypatch.context() as patched:
        patched.setattr(workshop.board.tasks, "routed", refusing(code))
        with pytest.raises(kind):
            workshop.drop(a_new_task())
    assert workshop.board.tasks.get("a-task") is None  # the whole turn is undone
    workshop.drop(a_new_task())
    assert workshop.task().park is None


@pytest.mark.parametrize(("code", "kind"), FAULTS)
def test_nobody_who_asks_is_told_of_a_bug(code: int, kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop()
    workshop.drop(a_new_task())
    with monkeypatch.context() as patched:
        patched.setattr(workshop.board.tasks, "get", refusing(code))
        with pytest.raises(kind):
            workshop.ask("cancel", ids=["a-task"])
    assert workshop.ask("cancel", ids=["a-task"])["ok"]["results"][0]["ok"]


def test_a_page_that_turns_out_damaged_is_said_to_be_damaged_with_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "koubou.db"
    with closing(open_for_writing(path)) as opened:
        led_to(Board(opened), route)
        root = opened.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'request'").fetchone()[0]
        size = opened.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 200)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.row_factory = sqlite3.Row
        board = Board(raw)
        with pytest.raises(BoardUnusable, match="koubou board restore"), board.transaction():
            board.tasks.text(1)
        with pytest.raises(BoardUnusable), board.reachable():
            board.tasks.text(1)


def test_looking_a_large_board_over_is_bounded_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "koubou.db"
    with closing(open_for_writing(path)) as opened:
        opened.execute("CREATE TABLE many (x)")
        numbers = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200000)"
        opened.execute(f"INSERT INTO many {numbers} SELECT x FROM n")
    monkeypatch.setattr("koubou.board.connection._EXAMINED_FOR", 0.0)
    with closing(open_for_writing(path)) as opened:  # it is not through, and nothing is said against the board
        assert opened.execute("SELECT COUNT(*) FROM many").fetchone()[0] == 200_000
