"""What is counted of the events of the journal: by category, and within bounds."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.figures import Figures
from koubou.model import figures as of


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


WORKSHOP: Any = SimpleNamespace(layout=SimpleNamespace(home="/"), intake=SimpleNamespace(min_free_disk=7))


@pytest.fixture
def journal() -> Journal:
    return Journal(stream=io.StringIO())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def figures(journal: Journal, clock: Clock) -> Figures:
    return Figures(journal, lambda: WORKSHOP, clock=clock)


def counts(figures: Figures, figure: of.Figure) -> dict[tuple[str, ...], float]:
    return {tuple(labels): count for labels, count in figures.shape()["counts"].get(figure.name, ())}


def spreads(figures: Figures, figure: of.Figure) -> dict[tuple[str, ...], tuple[list[int], float]]:
    return {tuple(labels): (found, total) for labels, found, total in figures.shape()["spreads"].get(figure.name, ())}


def test_every_event_counts_whatever_the_level_of_the_journal(figures: Figures, journal: Journal) -> None:
    journal.say("run.ended", "debug", tier="local", executor="chat", outcome="answered")
    journal.say("system.ready")
    journal.say("system.ready")
    assert counts(figures, of.EVENTS) == {("run.ended",): 1, ("system.ready",): 2}
    assert counts(figures, of.RUNS_ENDED) == {("local", "chat", "answered"): 1}


def test_a_run_that_told_no_time_is_counted_and_not_timed(figures: Figures, journal: Journal) -> None:
    run = {"tier": "local", "executor": "chat"}
    journal.say("run.ended", "debug", **run, outcome="lost")
    assert spreads(figures, of.RUN) == {}
    journal.say("run.ended", "debug", **run, outcome="answered", run_ms=1_500, first_token_ms=40)
    found, total = spreads(figures, of.RUN)["local", "chat"]
    assert (sum(found), total) == (1, 1.5)
    assert found[of.RUN.buckets.index(2.5)] == 1
    assert spreads(figures, of.FIRST_TOKEN)["local",][0][0] == 1


def test_a_value_on_a_bound_is_within_it_and_the_last_bucket_has_no_bound(figures: Figures, journal: Journal) -> None:
    for waited in (100, 101, 10**9):
        journal.say("task.admitted", tier="local", waited_ms=waited)
    found, _ = spreads(figures, of.WAIT)["local",]
    assert (found[0], found[1], found[-1]) == (1, 1, 1)
    assert len(found) == len(of.WAIT.buckets) + 1


def test_a_second_run_has_waited_for_nothing_new(figures: Figures, journal: Journal) -> None:
    journal.say("task.admitted", tier="local")
    assert spreads(figures, of.WAIT) == {}


def test_a_clock_that_was_set_back_makes_no_time_less_than_nothing(figures: Figures, journal: Journal) -> None:
    journal.say("task.completed", tier="local", type="general", wall_ms=-5)
    assert spreads(figures, of.TASK) == {}
    assert counts(figures, of.TASKS_ENDED) == {("completed", "local", "general"): 1}


def test_money_and_tokens_of_a_call_are_added_up_by_tier(figures: Figures, journal: Journal) -> None:
    journal.say("call.settled", tier="gpt5_high", nusd=1_500_000_000, input_tokens=10, reasoning_tokens=3)
    journal.say("call.settled", tier="gpt5_high", nusd=500_000_000, input_tokens=1)
    journal.say("call.unreconciled", tier="gpt5_high", nusd=1)
    journal.say("call.released", "debug", tier="gpt5_high")
    assert counts(figures, of.SPENT)["gpt5_high",] == pytest.approx(2.000000001)
    assert counts(figures, of.TOKENS) == {("gpt5_high", "input"): 11, ("gpt5_high", "reasoning"): 3}
    assert set(counts(figures, of.CALLS)) == {
        ("gpt5_high", outcome) for outcome in ("settled", "unreconciled", "released")
    }


def test_what_has_no_tier_or_class_is_counted_as_none(figures: Figures, journal: Journal) -> None:
    journal.say("task.retried", reason="its worker has gone")
    journal.say("task.cancelled", tier=None, type="general", wall_ms=None)
    assert counts(figures, of.RETRIES) == {("none", "none"): 1}
    assert counts(figures, of.TASKS_ENDED) == {("cancelled", "none", "general"): 1}


def test_labels_are_bounded_whatever_is_said(figures: Figures, journal: Journal) -> None:
    for number in range(1_500):
        journal.say(f"event.{number}", "debug")
    found = counts(figures, of.EVENTS)
    assert (len(found), found["other",], sum(found.values())) == (1_001, 500, 1_500)


def test_a_turn_is_timed_and_its_fault_is_told_until_one_succeeds(figures: Figures, clock: Clock) -> None:
    def in_vain() -> None:
        with figures.turn():
            clock.now += 0.02
            raise BoardUnavailable("the disk is full")

    with pytest.raises(BoardUnavailable):
        in_vain()
    assert figures.shape()["board_fault"] == "the disk is full"
    clock.now += 3
    assert figures.shape()["turned_ms_ago"] == 3_000
    with figures.turn():
        clock.now += 0.001
    assert figures.shape()["board_fault"] is None
    found, total = spreads(figures, of.TURN)[()]
    assert (sum(found), total) == (2, pytest.approx(0.021))


def test_a_paused_intake_is_told_until_it_goes_on_or_another_takes_its_place(
    figures: Figures, journal: Journal
) -> None:
    for ended_by in ({"event": "intake.resumed"}, {"event": "hand.lost", "hand": "intake"}):
        journal.say("intake.paused", reason="the disk is nearly full")
        journal.say("hand.lost", hand="shelving")
        assert figures.shape()["intake_paused"] == "the disk is nearly full"
        journal.say(**ended_by)
        assert figures.shape()["intake_paused"] is None


def test_the_disk_is_told_with_what_must_be_free(figures: Figures) -> None:
    disk = figures.shape()["disk"]
    assert disk["least"] == 7
    assert disk["free"] >= 0
