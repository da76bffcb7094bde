"""Every adapter of the board, each new for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from koubou.board import Board, open_for_writing, open_in_memory


def in_memory(folder: Path) -> Board:
    return Board(open_in_memory())


def on_disk(folder: Path) -> Board:
    return Board(open_for_writing(folder / "koubou.db"))


@pytest.fixture(params=[in_memory, on_disk], ids=["in memory", "on disk"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    """A fresh board of each kind."""
    board: Board = request.param(tmp_path)
    yield board
    board.close()
