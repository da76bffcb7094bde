"""What the command says of tasks that do not go on: who stopped what, what each is parked for, and what ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from builders import NOW, a_budget, a_new_task, a_tier
from msgspec.structs import replace
from settings_files import an_unserved_board

from koubou.board import Board
from koubou.cli.main import main
from koubou.master.reception import Reception
from koubou.model.access import WORKSHOP
from koubou.model.account import AccountKey, Limit
from koubou.model.agent import Manner
from koubou.model.circuit import Circuit
from koubou.model.decision import Breach, Reason, Routed
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.run import Run
from koubou.model.status import Move, Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity
from koubou.rules.breaker import circuit_of_key, opened
from koubou.rules.session import SESSION

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """A workshop that nobody serves, with a task in the queue of `local`."""
    board = an_unserved_board(tmp_path, monkeypatch)
    queue(board, "queued")
    return board


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*words: str) -> tuple[int, str, str]:
        code = main(words)
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


def queue(board: Board, name: str, park: Park | None = None) -> None:
    with board.transaction():
        seq, reason = board.tasks.insert(a_new_task(name), NOW), Reason(rule="tier.low", reason="easy")
        board.tasks.classified(board.tasks.at(seq), Sensitivity.INTERNAL, Difficulty.LOW, (reason,), NOW)
        routed = Routed(tier="local", reasons=(reason,))
        board.tasks.routed(board.tasks.at(seq), routed, NOW)
        if park is not None:
            board.tasks.parked(board.tasks.at(seq), park, NOW)


def stop(board: Board, latch: str, reason: str, event: str, told: str, actor: str) -> None:
    with board.transaction():
        board.crew.latch(latch, reason, NOW)
        board.history.add(None, event, told, NOW, replace(WORKSHOP, actor=actor))


def pause(board: Board, where: str, reason: str, actor: str) -> None:
    latch = "pause" if where == "everything" else f"pause:{where}"
    stop(board, latch, reason, "system.paused", f"{where}: {reason}", actor)


def explained(say: Say, name: str) -> list[str]:
    code, out, _ = say("explain", name)
    assert code == 0
    return [line.strip() for line in out.splitlines()[1:]]


def test_a_pause_stands_before_the_queue_with_who_and_why_and_what_ends_it(board: Board, say: Say) -> None:
    pause(board, "everything", "the cooling fails", "alice")
    first, second, *_ = explained(say, "queued")
    assert first == (
        "nothing starts: paused by alice at 2027-01-15T08:00:00.000Z: the cooling fails; koubou resume ends it"
    )
    assert second.startswith("it waits for a place in local")


def test_a_pause_of_its_tier_counts_and_that_of_another_does_not(board: Board, say: Say) -> None:
    pause(board, "gpt5_high", "the provider has trouble", "bob")
    assert explained(say, "queued")[0].startswith("it waits for a place")
    pause(board, "local", "asked for by alice", "alice")
    assert explained(say, "queued")[0] == (
        "nothing starts in local: paused by alice at 2027-01-15T08:00:00.000Z; koubou resume local ends it"
    )


def test_an_emergency_stop_stands_before_everything(board: Board, say: Say) -> None:
    pause(board, "everything", "night", "alice")
    stop(board, "emergency", "150 % of the month", "emergency.stop", "150 % of the month", "koubou")
    first, second, *_ = explained(say, "queued")
    assert first == (
        "nothing starts: emergency stop at 2027-01-15T08:00:00.000Z: 150 % of the month; "
        "koubou budget resume --reason … ends it"
    )
    assert "paused by alice" in second


def test_who_waits_too_long_is_told_of_each_task_why(board: Board, say: Say) -> None:
    queue(board, "broke", Park(reason=ParkReason.BUDGET, detail="month:2027-01 is spent", until=NOW + 400 * HOUR))
    code, out, told = say("wait", "queued", "broke", "--timeout", "0")
    assert (code, out) == (75, "")
    assert "queued: it waits for a place in local; koubou explain queued" in told
    assert "broke: parked (budget): month:2027-01 is spent, until 2027-02-01T00:00:00.000Z" in told
    assert "koubou explain broke" in told


def test_who_waits_is_told_once_of_a_stop_and_of_each_park(board: Board, say: Say) -> None:
    pause(board, "everything", "night", "alice")
    for name in ("first", "second"):
        queue(board, name, Park(reason=ParkReason.BUDGET, detail="month:2027-01 is spent", until=NOW + 400 * HOUR))
    code, _, told = say("wait", "queued", "first", "second", "--timeout", "1.5")
    assert code == 75
    meanwhile, _, _ = told.partition("not ended in time")
    assert meanwhile.count("nothing starts: paused") == 1
    assert meanwhile.count("first, second: parked (budget)") == 1


def test_of_an_account_one_number_is_told_which_is_what_this_call_may_fill(board: Board, say: Say) -> None:
    name = "month:2027-01"
    detail = f"{name} has $0.10 left of $1.00, the call needs $0.15"
    park = Park(reason=ParkReason.BUDGET, detail=detail)
    with board.transaction():
        board.ledger.open_account(Limit(name=name, limit=USD, ceiling=3 * USD // 2), NOW)
        board.ledger.count(AccountKey(name), 9 * USD // 10)
        needs = {"need": 15 * USD // 100, "least": 15 * USD // 100, "bearable": USD}
        task = board.tasks.get("queued")
        assert task is not None
        board.tasks.parked(task, park, NOW, Breach(park=park, account=AccountKey(name), **needs))
    told = explained(say, "queued")
    assert f"budget: {detail}" in told
    assert f"{name}: $0.90 of $1.00 used, $0.10 left, $0.15 are needed" in told


def test_status_says_what_ends_a_pause(board: Board, say: Say) -> None:
    pause(board, "local", "night", "alice")
    for verb in ("status", "budget"):
        assert "(koubou resume local)" in say(verb)[1]


def wait_with(board: Board, name: str, *, routed: bool = True, **asked: object) -> None:
    """A task that waits for its place in `local`, or (`routed` False) for those that it needs."""
    reason = Reason(rule="tier.low", reason="easy")
    with board.transaction():
        seq = board.tasks.insert(a_new_task(name, **asked), NOW)
        board.tasks.classified(board.tasks.at(seq), Sensitivity.INTERNAL, Difficulty.LOW, (reason,), NOW)
        if routed:
            board.tasks.routed(board.tasks.at(seq), Routed(tier="local", reasons=(reason,)), NOW)
        else:
            park = Park(reason=ParkReason.DEPENDENCY, detail="waits for others")
            board.tasks.parked(board.tasks.at(seq), park, NOW)


def at_work(board: Board, name: str, took: int | None = None) -> None:
    """It has a place, or had one and was answered after `took`."""
    with board.transaction():
        task = board.tasks.get(name)
        assert task is not None
        number = board.tasks.admitted(task, 0, 0, NOW)
        run = Run(task=task.seq, number=number, tier="local", worker="w", call=name, cap=9, timeout=9, admitted_at=NOW)
        board.runs.insert(run)
        if took is not None:
            board.runs.ended(task.seq, number, "answered", NOW + took)
            board.tasks.ended(board.tasks.at(task.seq), Move.COMPLETED, NOW + took)


def lines_up(board: Board, name: str) -> None:
    with board.transaction():
        task = board.tasks.get(name)
        assert task is not None
        board.tasks.parked(task, Park(reason=ParkReason.DEPENDENCY, detail="waits for a lock"), NOW)
        board.queue.line_up(task)


def shape(say: Say, name: str) -> Any:
    return json.loads(say("explain", name, "--json")[1])


def test_who_waits_for_whom_is_told_to_the_root(board: Board, say: Say) -> None:
    wait_with(board, "holder", locks=("the tree",))
    at_work(board, "holder")
    for name in ("first", "second"):
        wait_with(board, name, locks=("the tree",))
        lines_up(board, name)
    wait_with(board, "plan", routed=False, depends_on=("second", "nobody"))
    wait_with(board, "top", routed=False, depends_on=("plan",))
    told = explained(say, "top")
    assert told[1:5] == [
        "it needs plan, which is parked (dependency: waits for others)",
        "plan needs nobody, which nobody has dropped yet",
        "plan needs second, which is parked (dependency: waits for a lock)",
        'second wants the lock "the tree" after holder, which has it and is at work in local',
    ]
    assert [(link["task"], link["other"], link["lock"]) for link in shape(say, "top")["waits_for"]] == [
        ("top", "plan", None),
        ("plan", "nobody", None),
        ("plan", "second", None),
        ("second", "holder", "the tree"),
    ]
    with board.transaction():
        task = board.tasks.get("holder")
        assert task is not None
        board.runs.ended(task.seq, 1, "answered", NOW)
    wanted = explained(say, "second")[1]
    assert wanted.startswith('it wants the lock "the tree" after first, which comes first for it and is parked')


def test_the_place_in_the_queue_is_by_ripeness_and_the_wait_by_the_last_runs(board: Board, say: Say) -> None:
    assert shape(say, "queued")["queue"] == {"position": 1, "ahead": 0, "estimated_wait_s": None}
    for number in range(3):
        wait_with(board, f"done-{number}")
        at_work(board, f"done-{number}", took=20_000)
    for name in ("busy-1", "busy-2"):
        wait_with(board, name)
        at_work(board, name)
    wait_with(board, "urgent", priority=9)
    wait_with(board, "low", priority=3)
    assert shape(say, "low")["queue"] == {"position": 3, "ahead": 2, "estimated_wait_s": 30}
    first, *_ = explained(say, "low")
    assert first.startswith("it waits for a place in local: 2 come first")
    assert first.endswith("about 30s by the tier's last runs")
    assert shape(say, "urgent")["queue"]["position"] == 1
    assert shape(say, "busy-1")["queue"] is None


def test_what_made_a_task_more_urgent_is_told(board: Board, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_with(board, "root", priority=2)
    wait_with(board, "top", routed=False, priority=6, depends_on=("root",))
    board.tasks.weighed("root", half_used=True)
    monkeypatch.setattr("koubou.views.words.now", lambda: NOW + 45_000)
    told = next(line for line in explained(say, "root") if "priority" in line)
    assert told == (
        "its priority is 7.5 now (at most 10): 2 of its own, 1.5 for 45s of waiting, "
        "1 less, for more than half of its budget is used, raised by top, which waits for it"
    )
    monkeypatch.setattr("koubou.views.words.now", lambda: NOW + 3_600_000)
    ripe = next(line for line in explained(say, "root") if "priority" in line)
    assert ripe.startswith("its priority is 10.0 now (at most 10): 2 of its own, 9.0 for 1h of waiting, 1 less, ")
    monkeypatch.setattr("koubou.views.words.now", lambda: NOW + 45_000)
    assert shape(say, "root")["priority"] == {
        "own": 2,
        "effective": 7.5,
        "waiting_since": "2027-01-15T08:00:00.000Z",
        "half_used": True,
        "raised_by": "top",
    }


def test_who_waits_for_a_login_is_told_when_it_is_looked_at_next(board: Board, say: Say) -> None:
    detail = "local is not offered: its session is over: the provider does not accept the key"
    queue(board, "waits", Park(reason=ParkReason.TIER, detail=detail))
    with board.transaction():
        for tier, reason in (("local", "the provider does not accept the key"), ("other", "another matter")):
            over = Circuit(name=circuit_of_key(tier))
            board.circuits.put(opened(over, reason, SESSION, NOW))
        board.circuits.put(opened(Circuit(name="a model"), "it is broken", SESSION, NOW))
    told = explained(say, "waits")
    assert told[0] == f"tier: {detail}"
    assert told[1].startswith("local is looked at next at 2027-01-15T08:05:00.000Z (in ")
    assert told[1].endswith("): the provider does not accept the key; koubou resume local tries it at once")
    assert not any("other" in line or "broken" in line for line in told)


def test_status_says_why_a_session_is_over_and_when_it_is_looked_at_next(
    board: Board, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, agent = circuit_of_key("local"), a_tier("local", executor="codex", agent=Manner(program="/opt/codex"))
    with board.transaction():
        board.circuits.put(opened(Circuit(name=key), "the provider does not accept the key", SESSION, NOW))
        board.crew.latch(key, "the provider does not accept the key", NOW)
    workshop = SimpleNamespace(budget=a_budget())
    crew: Any = SimpleNamespace(members={}, tiers=lambda: {"local": agent}, workshop=workshop)

    async def never() -> Any:
        raise AssertionError

    reception = Reception(board, crew, hear=lambda _: None, reload=never)
    said = asyncio.run(reception.ask("state", WORKSHOP, {}))["ok"]
    assert said["tiers"]["local"]["looked_at"] == "2027-01-15T08:05:00.000Z"
    monkeypatch.setattr("koubou.views.status.said_by_master", lambda _: said)
    told = say("status")[1]
    assert "STOPPED  key:local: the provider does not accept the key  (koubou resume local)" in told
    assert "its session is over: the provider does not accept the key; it is looked at every 5 minutes" in told
    assert "looked at next at 2027-01-15T08:05:00.000Z" in told
