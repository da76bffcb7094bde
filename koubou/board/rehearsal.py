"""A board in memory with the money of another: for asking what would happen, without anything happening."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from koubou.board.board import Board
from koubou.board.connection import open_in_memory
from koubou.board.sql import statements

SQL = statements("rehearsal")


def rehearsal(stage: sqlite3.Connection | None) -> Board:
    """A board with the accounts, limits and latches of another, without its tasks; an empty one where there is none."""
    copy = open_in_memory()
    if stage is not None:
        for table in ("account", "limit_setting", "latch"):
            rows = [tuple(row) for row in stage.execute(SQL[f"read_{table}"])]
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                copy.executemany(SQL["write"].replace("{table}", table).replace("{marks}", marks), rows)
    return Board(copy)


@contextmanager
def undone(board: Board) -> Iterator[None]:
    """What is written within is taken back at its end."""
    board.connection.execute("BEGIN")
    try:
        yield
    finally:
        board.connection.execute("ROLLBACK")
