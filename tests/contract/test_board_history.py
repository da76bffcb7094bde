"""The page of history: each line is proven by the next, and those that go with their task leave what joins the rest."""

import hashlib
import json
from itertools import pairwise

import pytest

from koubou.board.board import Board
from koubou.board.connection import open_in_memory
from koubou.model.access import Caller, Role
from koubou.rules.chain import CHAINED

NOW = 1_800_000_000_000
KIM = Caller(actor="kim", role=Role.OPERATOR, uid=1001, source="socket")


@pytest.fixture
def board() -> Board:
    return Board(open_in_memory())


def lines(board: Board) -> list[tuple[object, ...]]:
    columns = "id, task, at, event, reason, actor, source, hash"
    return [tuple(row) for row in board.connection.execute(f"SELECT {columns} FROM history ORDER BY id")]


def test_a_board_begins_its_chain_with_a_line_of_its_own(board: Board) -> None:
    ((number, task, _, event, _, _, _, first),) = lines(board)
    assert (number, task, event) == (1, None, CHAINED)
    assert isinstance(first, bytes)


def test_each_hash_goes_over_the_one_before_and_its_line_as_documented(board: Board) -> None:
    for reason in ("", "a", "ünïcode 工房", 'quo"te\nline', "nul\0byte\x1f\x7f\u2028\b\f\t\r/\\<&"):
        board.history.add(None, "system.paused", reason, NOW, KIM)
    for (*_, before), (*line, found) in pairwise(lines(board)):
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        assert isinstance(before, bytes)
        assert found == hashlib.sha256(before + text.encode()).digest()


def test_what_is_undone_leaves_no_trace_in_the_chain(board: Board) -> None:
    def undone() -> None:
        with board.savepoint():
            board.history.add(None, "system.paused", "undone", NOW, KIM)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    board.history.add(None, "system.paused", "kept", NOW, KIM)
    assert [line[0] for line in lines(board)] == [1, 2]


def test_who_asked_and_from_where_stands_in_the_line(board: Board) -> None:
    board.history.add(None, "system.paused", "x", NOW, KIM)
    board.history.add(None, "system.paused", "x", NOW)
    assert [(line[5], line[6]) for line in lines(board)[1:]] == [("kim", "socket"), ("koubou", "workshop")]
