"""The keeping of a master: it looks by the clock that is never set, and removes nothing while the other one jumps."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from koubou.board import Board, open_in_memory
from koubou.journal import Journal
from koubou.master import keeping
from koubou.master.keeping import Keeping
from koubou.model.heard import RetentionDue
from koubou.model.instant import DAY, HOUR, SECOND
from koubou.model.retention import Owed, Removal, Retention
from tests.builders import NOW
from tests.contract.way import file, led_to

SHORT = Retention(completed=10 * SECOND)


class Time:
    """Both clocks: the one of the wall, which may be set, and the one that only runs."""

    def __init__(self) -> None:
        self.ran = 1_000.0
        self.wall = NOW

    def pass_(self, seconds: float) -> None:
        self.ran += seconds
        self.wall += round(seconds * SECOND)

    def monotonic(self) -> float:
        return self.ran


class Hands:
    """Hands that are told, and do nothing."""

    def __init__(self) -> None:
        self.told: list[Owed] = []
        self.removals = 0

    def remove(self, owed: Owed) -> None:
        self.told.append(owed)


class Bench:
    """A keeping with everything it knows."""

    def __init__(self) -> None:
        self.time = Time()
        self.board = Board(open_in_memory())
        self.hands = Hands()
        self.heard: list[object] = []
        self.stream = io.StringIO()
        self.journal = Journal(stream=self.stream)

    def begin(self) -> None:
        self.keeping = Keeping(self.board, self.hands, self.journal, hear=self.heard.append)  # type: ignore[arg-type]

    def look(self, retention: Retention = SHORT) -> int:
        """How often it was time, so far."""
        self.keeping.look(retention)
        return sum(isinstance(word, RetentionDue) for word in self.heard)

    def said(self) -> list[dict[str, Any]]:
        self.journal.close()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    monkeypatch.setattr(keeping, "time", bench.time)
    monkeypatch.setattr(keeping, "clock", lambda: bench.time.wall)
    bench.begin()
    yield bench
    bench.board.close()


def test_it_waits_a_little_after_a_start_and_then_looks_again_and_again(bench: Bench) -> None:
    assert bench.look() == 0
    bench.time.pass_(1)
    assert bench.look() == 1
    bench.time.pass_(0.5)
    assert bench.look() == 1
    bench.time.pass_(0.5)
    assert bench.look() == 2


def test_long_times_are_looked_at_seldom_and_not_right_after_a_start(bench: Bench) -> None:
    kept = Retention(completed=90 * DAY)
    bench.time.pass_(59)
    assert bench.look(kept) == 0
    bench.time.pass_(1)
    assert bench.look(kept) == 1
    bench.time.pass_(599)
    assert bench.look(kept) == 1
    bench.time.pass_(1)
    assert bench.look(kept) == 2


@pytest.mark.parametrize("jump", [400 * DAY, -HOUR])
def test_after_the_clock_was_set_nothing_goes_for_an_hour(bench: Bench, jump: int) -> None:
    bench.time.pass_(10)
    assert bench.look() == 1
    bench.time.wall += jump
    assert bench.look() == 1
    for _ in range(6):
        bench.time.pass_(599)
        assert bench.look() == 1
    bench.time.pass_(6)
    assert bench.look() == 2
    (told,) = [line for line in bench.said() if line["event"] == "clock.jumped"]
    assert told["seconds"] == jump // SECOND


def test_a_clock_that_is_led_to_the_right_time_slowly_is_no_jump(bench: Bench) -> None:
    bench.look()
    for _ in range(100):
        bench.time.pass_(1)
        bench.time.wall += 500
        bench.look()
    assert [line for line in bench.said() if line["event"] == "clock.jumped"] == []


def test_what_is_owed_is_told_each_time_and_the_next_portion_waits_for_it(bench: Bench) -> None:
    seq = led_to(bench.board, file, "over").seq
    bench.board.runs.ended(seq, 1, "answered", NOW)
    bench.board.kept.owe(seq, Removal.TEXT, "koubou", NOW)
    bench.time.pass_(10)
    assert bench.look() == 0
    assert bench.hands.told == [Owed(task=seq, task_id="over", what=Removal.TEXT)]
    bench.board.kept.text_removed(seq, Removal.TEXT, NOW)
    bench.hands.removals = 1
    assert bench.look() == 1
    assert bench.look() == 1  # not before its time


def test_a_board_that_cannot_be_reached_is_looked_at_later(bench: Bench) -> None:
    bench.time.pass_(10)
    bench.board.connection.execute("PRAGMA query_only = ON")
    assert bench.look() == 1
