"""The page of tokens."""

import sqlite3

import pytest
from msgspec.structs import replace

from koubou.board.board import Board
from koubou.board.connection import open_in_memory
from koubou.model.access import Role, Token
from koubou.rules.token import USED_EVERY

NOW = 1_800_000_000_000
DIGEST = "ab" * 32
TOKEN = Token(
    id="0123456789",
    name="ci",
    role=Role.SUBMITTER,
    uid=1001,
    created_at=NOW,
    created_by="root",
    expires_at=None,
    last_used_at=None,
    revoked_at=None,
)


@pytest.fixture
def board() -> Board:
    board = Board(open_in_memory())
    board.tokens.add(TOKEN, DIGEST)
    return board


def test_a_token_is_found_by_its_digest_alone(board: Board) -> None:
    assert board.tokens.of(DIGEST) == TOKEN
    assert board.tokens.of("cd" * 32) is None


@pytest.mark.parametrize("digest", [DIGEST.upper(), "", "%", DIGEST[:-1], DIGEST + "\x00", "0" * 64])
def test_nothing_but_the_very_digest_finds_it(board: Board, digest: str) -> None:
    assert board.tokens.of(digest) is None


def test_a_use_is_written_at_most_once_a_minute(board: Board) -> None:
    assert board.tokens.used(TOKEN.id, NOW)
    assert not board.tokens.used(TOKEN.id, NOW + USED_EVERY - 1)
    assert board.tokens.used(TOKEN.id, NOW + USED_EVERY)
    assert board.tokens.all()[0].last_used_at == NOW + USED_EVERY


def test_one_that_is_revoked_is_known_still_but_never_good_again(board: Board) -> None:
    assert board.tokens.revoke(TOKEN.id, NOW)
    assert not board.tokens.revoke(TOKEN.id, NOW + 1)
    found = board.tokens.of(DIGEST)
    assert found is not None
    assert found.revoked_at == NOW
    assert not board.tokens.used(TOKEN.id, NOW + 2)
    assert board.tokens.named("ci") is None
    assert board.tokens.is_taken(TOKEN.id, "ef" * 32)


def test_a_name_stands_for_one_token_at_a_time(board: Board) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        board.tokens.add(replace(TOKEN, id="9876543210"), "cd" * 32)
    board.tokens.revoke(TOKEN.id, NOW)
    board.tokens.add(replace(TOKEN, id="9876543210"), "cd" * 32)
    named = board.tokens.named("ci")
    assert named is not None
    assert named.id == "9876543210"
    assert board.tokens.live() == 1


def test_the_board_refuses_what_is_no_role_and_no_uid(board: Board) -> None:
    for column, value in (("role", "'root'"), ("uid", "-1"), ("uid", "'1001'x"), ("digest", "'short'")):
        with pytest.raises(sqlite3.Error):
            board.connection.execute(f"UPDATE token SET {column} = {value}")
