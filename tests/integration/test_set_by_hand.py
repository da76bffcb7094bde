"""What people set in place of the settings, and gave on top of them, is seen where limits are looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import NOW
from settings_files import an_unserved_board

from koubou.board import Board
from koubou.cli.main import main
from koubou.model.account import AccountKey, Limit
from koubou.model.money import USD


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """A workshop that nobody serves, with a session of two dollars."""
    board = an_unserved_board(tmp_path, monkeypatch)
    with board.transaction():
        board.ledger.open_account(Limit(name="session:night", limit=2 * USD, ceiling=2 * USD), NOW)
    return board


def test_a_limit_set_by_hand_is_shown_with_who_and_why(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    with board.transaction():
        board.ledger.set_limit("month", "usd", 50 * USD, "alice", "agreed with the team", NOW)
        board.ledger.set_limit("session:night", "tokens", None, "bob", "it must be done", NOW)
    assert main(["budget"]) == 0
    told = capsys.readouterr().out
    assert "month: $50.00, by alice at " in told
    assert ": agreed with the team" in told
    assert "(koubou budget set month --default usd --reason … undoes it)" in told
    assert "session:night: no limit of tokens, by bob" in told
    assert main(["budget", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["by_hand"]
    assert first == {
        "scope": "month",
        "dimension": "usd",
        "limit_usd": 50.0,
        "by": "alice",
        "reason": "agreed with the team",
        "at": "2027-01-15T08:00:00.000Z",
    }
    assert (second["dimension"], second["limit"]) == ("tokens", None)


def test_check_points_to_what_was_set_by_hand(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "by hand" not in capsys.readouterr().out
    with board.transaction():
        board.ledger.set_limit("month", "usd", 50 * USD, "alice", "agreed with the team", NOW)
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert "by hand    month (usd): set in place of these settings; see koubou budget" in told


def test_what_was_added_is_told_apart_from_the_limit(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    with board.transaction():
        board.ledger.add(AccountKey("session:night"), 3 * USD, NOW)
    assert main(["budget"]) == 0
    told = capsys.readouterr().out
    assert "of $5.00" in told
    assert "$3.00 of it added by hand" in told
    assert main(["budget", "--json"]) == 0
    (account,) = json.loads(capsys.readouterr().out)["accounts"]
    assert (account["limit_usd"], account["added_usd"]) == (5.0, 3.0)
