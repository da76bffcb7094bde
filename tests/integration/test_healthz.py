"""What the health of a workshop depends on, check by check, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import NOW

from koubou.board import Board, open_for_writing
from koubou.board.reading import Reading, open_reading
from koubou.window.health import healthz, readyz

STATE: dict[str, Any] = {
    "tiers": {"local": {"unfit": None}, "other": {"unfit": "it has no key"}},
    "draining": False,
    "intake_paused": None,
    "board_fault": None,
    "turned_ms_ago": 900,
    "disk": {"free": 2_000, "least": 1_000},
}
NO_TIER = {"tiers": {"other": {"unfit": "it has no key"}}}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(open_for_writing(tmp_path / "koubou.db"))
    yield board
    board.close()


@pytest.fixture
def reading(board: Board, tmp_path: Path) -> Iterator[Reading]:
    reading = open_reading(tmp_path / "koubou.db", served=True)
    yield reading
    reading.close()


def wrong(answer: tuple[bool, Any]) -> dict[str, str]:
    """What is wrong, by check."""
    ok, told = answer
    json.dumps(told)
    assert ok is told["ok"] is all(check["ok"] for check in told["checks"].values())
    return {name: check["reason"] for name, check in told["checks"].items() if not check["ok"]}


def test_a_workshop_that_is_well_is_alive_and_ready(reading: Reading) -> None:
    assert wrong(healthz(reading, STATE)) == wrong(readyz(reading, STATE)) == {}
    checks = readyz(reading, STATE)[1]["checks"]
    assert set(checks) == {
        *("board", "master", "turns", "emergency", "pause", "draining", "intake", "disk", "tiers"),
    }


@pytest.mark.parametrize(
    ("changes", "check", "told"),
    [
        ({"draining": True}, "draining", "it is being stopped"),
        ({"intake_paused": "the disk is nearly full"}, "intake", "the disk is nearly full"),
        ({"disk": {"free": 999, "least": 1_000}}, "disk", "999 bytes are free, intake.min_free_disk is 1000"),
        ({"disk": None}, "disk", "nobody can tell"),
        (NO_TIER, "tiers", "no tier is offered"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_takes_no_work_is_alive_and_not_ready(
    reading: Reading, changes: dict[str, Any], check: str, told: str
) -> None:
    state = {**STATE, **changes}
    assert wrong(healthz(reading, state)) == {}
    found = wrong(readyz(reading, state))
    assert list(found) == [check]
    assert told in found[check]


@pytest.mark.parametrize(("latch", "remedy"), [("emergency", "koubou budget resume"), ("pause", "koubou resume")])
def test_what_is_stopped_is_not_ready_and_says_what_to_do_not_who_said_what(
    board: Board, reading: Reading, latch: str, remedy: str
) -> None:
    board.crew.latch(latch, "a person's own words", NOW)
    assert wrong(healthz(reading, STATE)) == {}
    found = wrong(readyz(reading, STATE))
    assert list(found) == [latch]
    assert remedy in found[latch]
    assert "own words" not in found[latch]


def test_a_pause_of_one_tier_stops_nothing_else(board: Board, reading: Reading) -> None:
    board.crew.latch("pause:local", "asked for", NOW)
    assert wrong(readyz(reading, STATE)) == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"board_fault": "the disk is full"}, "could not be written: the disk is full"),
        ({"turned_ms_ago": 31_000}, "the last turn ended 31 s ago"),
    ],
)
def test_a_master_that_takes_no_turns_is_not_alive(reading: Reading, changes: dict[str, Any], told: str) -> None:
    for asked in (healthz, readyz):
        found = wrong(asked(reading, {**STATE, **changes}))
        assert list(found) == ["turns"]
        assert told in found["turns"]


def test_without_a_master_nothing_of_his_is_guessed(reading: Reading) -> None:
    assert list(wrong(healthz(reading, None))) == list(wrong(readyz(reading, None))) == ["master"]


def test_a_board_that_cannot_be_read_is_not_alive(reading: Reading) -> None:
    assert wrong(healthz(None, STATE)) == {"board": "the board cannot be opened"}
    reading.close()
    assert list(wrong(healthz(reading, STATE))) == list(wrong(readyz(reading, STATE))) == ["board"]
