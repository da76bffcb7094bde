"""Idempotency-Keys: what was answered is answered again, also by a window that was started anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from koubou.errors import BoardUnavailable
from koubou.model.instant import DAY
from koubou.window.keys import Given, Keys
from koubou.window.problems import Trouble

GIVEN = Given(status=201, headers={"location": "/x"}, body=b"{}")
NOW = 1_800_000_000_000


def test_an_answer_is_given_again_also_after_a_restart(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    assert keys.begin("key", "request", NOW) is None
    keys.end("key", GIVEN)
    assert keys.begin("key", "request", NOW) == GIVEN
    keys.close()
    assert opened(tmp_path).begin("key", "request", NOW) == GIVEN


def test_a_key_is_good_for_one_request(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.begin("key", "request", NOW)
    keys.end("key", GIVEN)
    with pytest.raises(Trouble, match="belongs to another request"):
        keys.begin("key", "another", NOW)


def test_while_the_first_is_under_way_the_second_waits_its_turn(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.begin("key", "request", NOW)
    with pytest.raises(Trouble, match="under way"):
        keys.begin("key", "request", NOW)
    keys.drop("key", unclear=False)
    assert keys.begin("key", "request", NOW) is None


def test_what_may_have_been_done_is_not_done_again_after_a_restart(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.begin("once", "request", NOW)
    keys.mark("once")
    keys.begin("often", "request", NOW)
    keys.close()
    again = opened(tmp_path)
    assert again.begin("often", "request", NOW) is None
    with pytest.raises(Trouble, match="not known"):
        again.begin("once", "request", NOW)


def test_after_a_day_a_key_is_forgotten(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.begin("key", "request", NOW)
    keys.end("key", GIVEN)
    keys.close()
    assert opened(tmp_path).begin("key", "another", NOW + DAY + 1) is None


def test_notes_that_are_none_any_more_are_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "window.db").write_bytes(b"no notes" * 1_000)
    assert opened(tmp_path).begin("key", "request", NOW) is None


def test_notes_that_somebody_else_has_locked_are_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.window.keys._LOCKED_FOR", 0.05)
    keys = opened(tmp_path)
    keys.begin("key", "request", NOW)
    keys.end("key", GIVEN)
    keys.close()
    with closing(sqlite3.connect(tmp_path / "window.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BoardUnavailable):
            opened(tmp_path)
    assert opened(tmp_path).begin("key", "request", NOW) == GIVEN


def opened(folder: Path) -> Keys:
    return Keys(str(folder / "window.db"))
