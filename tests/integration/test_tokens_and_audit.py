"""koubou token and koubou audit, on a workshop that nobody serves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from settings_files import an_unserved_board

from koubou.board.connection import open_for_reading, open_for_writing
from koubou.board.tokens import Tokens
from koubou.cli.main import main
from koubou.folders.layout import Layout
from koubou.model.access import Role


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    an_unserved_board(tmp_path, monkeypatch).close()
    return Path(Layout(home=str(tmp_path / "home")).board) / "koubou.db"


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, err = say(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_token_is_shown_once_and_kept_as_a_hash(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ask(capsys, "token", "add", "ci", "--role", "submitter", "--user", "1007")
    text = made["token"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert (made["role"], made["uid"], made["name"]) == ("submitter", 1007, "ci")
    assert text[-64:].encode() not in board.read_bytes()
    reading = open_for_reading(board, served=False)
    found = Tokens(reading).of(digest)
    reading.close()
    assert found is not None
    assert (found.role, found.uid, found.id) == (Role.SUBMITTER, 1007, text[4:14])
    (listed,) = ask(capsys, "token", "list")
    assert listed["useless"] is None
    assert text[-64:] not in json.dumps(listed)
    assert digest not in json.dumps(listed)


@pytest.mark.usefixtures("board")
def test_a_token_ends_when_it_is_removed_and_its_name_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    first = ask(capsys, "token", "add", "ci", "--role", "viewer", "--expires", "never")
    assert first["expires_at"] is None
    code, _, err = say(capsys, "token", "add", "ci", "--role", "viewer")
    assert (code, "koubou token rm ci" in err) == (1, True)
    assert say(capsys, "token", "rm", "ci")[0] == 0
    assert say(capsys, "token", "rm", "ci")[0] == 1
    second = ask(capsys, "token", "add", "ci", "--role", "viewer")
    assert [token["useless"] for token in ask(capsys, "token")] == [None, "it was revoked"]
    assert first["id"] != second["id"]


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize(
    "words",
    [
        ("add", "Kim", "--role", "viewer"),
        ("add", "token:ci", "--role", "viewer"),
        ("add", "ci", "--role", "root"),
        ("add", "ci"),
        ("add", "ci", "--role", "viewer", "--expires", "soon"),
        ("add", "ci", "--role", "viewer", "--expires", "0s"),
        ("add", "ci", "--role", "viewer", "--expires", "9999d"),
        ("add", "ci", "--role", "viewer", "--user", "nobody-of-this-name"),
        ("add", "ci", "--role", "viewer", "--user", "4294967295"),
    ],
)
def test_what_makes_no_token_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    code, out, err = say(capsys, "token", *words)
    assert code == 64, err
    assert "kbu_" not in out
    assert ask(capsys, "token") == []


def test_the_history_is_verified_and_listed(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(capsys, "token", "add", "ci", "--role", "operator")
    found = ask(capsys, "audit", "verify")
    assert (found["ok"], found["proven"], found["broken"]) == (True, 2, None)
    ask(capsys, "token", "rm", "ci")
    assert ask(capsys, "audit", "--since-head", found["head"])["since_head"] is True
    lines = ask(capsys, "audit", "list", "--event", "token")
    assert [line["event"] for line in lines] == ["token.added", "token.revoked"]
    assert lines[0]["source"] == "closed workshop"
    assert lines[0]["actor"] not in ("", "koubou")
    assert ask(capsys, "audit", "list", "--actor", "koubou", "--limit", "1")[0]["event"] == "history.chained"
    assert ask(capsys, "audit", "list", "--task", "none") == []
    assert "token.added" in say(capsys, "audit", "list", "--since", "1h")[1]
    connection = open_for_writing(board)
    connection.execute("DROP TRIGGER history_is_only_added")
    connection.execute("UPDATE history SET actor = 'koubou' WHERE event = 'token.added'")
    connection.close()
    code, out, _ = say(capsys, "audit", "verify", "--json")
    assert code == 1
    assert "line 2" in json.loads(out)["broken"]
    assert say(capsys, "audit", "verify")[1].startswith("broken: line 2")
    assert say(capsys, "audit", "--since-head", "nonsense")[0] == 64
