"""Issues of tiers that are stopped are looked at until a person has closed them: seldom, and as GitHub wants."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from recorder import TOKEN, Recorder

from koubou.board import Board, open_in_memory
from koubou.journal import Journal
from koubou.master import closings as module
from koubou.master.clock import clock
from koubou.master.closings import Closings
from koubou.master.teller import Teller
from koubou.model.circuit import Circuit
from koubou.model.heard import IssueClosed, NoticeTold
from koubou.model.notice import Channel, GithubWay, Guardian, Notice, Told, Trouble
from koubou.notices.closing import look_at_issues
from koubou.notices.deliver import deliver
from koubou.rules.breaker import circuit_of_key, opened
from koubou.rules.session import SESSION, TIMEOUT
from tests.builders import NOW

EVERY = 60.0
"""Seconds between two looks."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def a_way(recorder: Recorder, **changes: Any) -> GithubWay:
    values = {"api": recorder.address, "repo": "octo/workshop", "token": TOKEN, "assignee": None, "labels": ("koubou",)}
    return GithubWay(**values | changes)


class Room:
    """A board with stopped tiers, each with an issue; a clock of its own, and what was heard."""

    def __init__(self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, *tiers: str) -> None:
        self.board = Board(open_in_memory())
        self.stream = io.StringIO()
        self.journal = Journal(stream=self.stream)
        self.heard: list[Any] = []
        self.recorder = recorder
        self.way = a_way(recorder)
        self.later = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.later)
        for tier in tiers:
            self.stop(tier)
        self.closings = Closings(self.board, self.journal, hear=self.heard.append)

    def stop(self, tier: str) -> None:
        """A session is over, and its issue was opened."""
        key = circuit_of_key(tier)
        with self.board.transaction():
            self.board.circuits.put(opened(Circuit(name=key), "refused", SESSION, NOW))
            self.board.notices.owe(key, Channel.GITHUB, f"MARKER-{tier}", TIMEOUT, {"key": key}, NOW)
            notice = self.board.notices.due(Channel.GITHUB, NOW)
            assert notice is not None
            told = deliver(Guardian(github=self.way), notice)
            assert isinstance(told, Told)
            self.board.notices.told(notice.incident, Channel.GITHUB, NOW, told.issue)

    @property
    def looks(self) -> int:
        """How many looks at an issue came."""
        return self.recorder.count("GET")

    async def look(self) -> None:
        """Look, and wait until what was seen is heard."""
        self.closings.look(self.way)
        await until(lambda: self.closings._under_way is None)


def within(room_of: Callable[[], Room], act: Callable[[Room], Awaitable[None]]) -> Room:
    """Do this in a running loop."""

    async def main() -> Room:
        room = room_of()
        await act(room)
        return room

    room = asyncio.run(main())
    room.journal.close()
    return room


async def until(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not fact():
            await asyncio.sleep(0.005)


def test_an_issue_that_a_person_closed_is_heard_of(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(room: Room) -> None:
        await room.look()
        assert room.heard == []
        recorder.close(2)
        room.later += EVERY
        await room.look()
        key = circuit_of_key("low")
        assert room.heard == [IssueClosed(incident=f"{key}@{NOW}", circuit=key, issue=2)]

    within(lambda: Room(recorder, monkeypatch, "high", "low"), act)
    assert {each[1] for each in recorder.requests if each[0] == "GET"} == {
        "/repos/octo/workshop/issues/1",
        "/repos/octo/workshop/issues/2",
    }


def test_github_is_asked_once_a_minute_and_by_one_thread(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(room: Room) -> None:
        for _ in range(3):
            room.closings.look(room.way)
        await until(lambda: room.closings._under_way is None)
        room.later += EVERY - 1
        await room.look()
        assert room.looks == 1
        room.later += 1
        await room.look()
        assert room.looks == 2

    within(lambda: Room(recorder, monkeypatch, "high"), act)


def test_what_has_not_changed_is_not_sent_again(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(room: Room) -> None:
        await room.look()
        room.later += EVERY
        await room.look()
        assert room.heard == []
        recorder.close(1)
        room.later += EVERY
        await room.look()
        assert len(room.heard) == 1

    within(lambda: Room(recorder, monkeypatch, "high"), act)
    asked = [each[2].get("If-None-Match") for each in recorder.requests if each[0] == "GET"]
    assert asked == [None, 'W/"1-open"', 'W/"1-open"']


def test_nothing_is_asked_where_nothing_is_stopped_or_nobody_may_ask(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(room: Room) -> None:
        await room.look()
        room.stop("high")
        room.closings.look(None)
        room.closings.look(a_way(recorder, problem="the token is not there"))
        with room.board.transaction():
            room.board.circuits.forget(circuit_of_key("high"))
        await room.look()

    assert within(lambda: Room(recorder, monkeypatch), act).looks == 0


def test_github_is_left_alone_for_as_long_as_it_wants(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(room: Room) -> None:
        recorder.answer_all(429, Retry_After="600")
        await room.look()
        recorder.answer_all(0)
        room.later += 599
        await room.look()
        assert room.looks == 1
        room.later += 2
        await room.look()
        assert room.looks == 2
        recorder.answer_all(0, X_RateLimit_Remaining="0", X_RateLimit_Reset="32503680000")
        room.later += EVERY
        await room.look()
        room.later += EVERY
        await room.look()
        assert room.looks == 3

    within(lambda: Room(recorder, monkeypatch, "high"), act)


def test_what_cannot_be_seen_is_said_once(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(room: Room) -> None:
        for status in (500, 404, 500):
            recorder.answer_all(status)
            await room.look()
            room.later += 3600
        recorder.answer_all(0)
        recorder.close(1)
        await room.look()
        assert len(room.heard) == 1

    room = within(lambda: Room(recorder, monkeypatch, "high"), act)
    [line] = [json.loads(line) for line in room.stream.getvalue().splitlines()]
    assert (line["event"], line["channel"], line["level"]) == ("guardian.unreachable", "github", "warning")
    assert TOKEN not in room.stream.getvalue()


def test_a_look_that_hangs_keeps_nobody_and_another_is_begun(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(room: Room) -> None:
        asked: list[int] = []

        def hung(_way: GithubWay, known: Any) -> Any:
            asked.append(len(known))
            recorder.let_go.wait(20)
            return look_at_issues(_way, known)

        monkeypatch.setattr(module, "look_at_issues", hung)
        room.closings.look(room.way)
        room.later += EVERY
        room.closings.look(room.way)
        assert asked == [1]
        room.later += EVERY
        recorder.close(1)
        room.closings.look(room.way)
        await until(lambda: len(asked) == 2)
        recorder.let_go.set()
        await until(lambda: room.heard)
        assert len(room.heard) == 1

    within(lambda: Room(recorder, monkeypatch, "high"), act)


def test_one_that_is_gone_hides_no_other(recorder: Recorder) -> None:
    recorder.issues.append({"number": 1, "state": "closed"})
    views = look_at_issues(a_way(recorder), {9: None, 1: None})
    assert views.seen[1].closed
    assert 9 not in views.seen
    assert views.trouble is not None
    assert views.trouble.trouble is Trouble.SETTINGS


def test_an_answer_that_is_no_issue_is_none(recorder: Recorder) -> None:
    recorder.answer_all(200)
    views = look_at_issues(a_way(recorder), {1: None})
    assert views.seen == {}
    assert views.trouble is not None
    assert look_at_issues(a_way(recorder, api="http://127.0.0.1:1"), {1: None}).trouble is not None


def test_the_teller_tells_of_a_timeout_and_hears_of_its_closing(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(room: Room) -> None:
        guardian = Guardian(github=room.way)
        teller = Teller(room.board, room.journal, guardian, hear=room.heard.append)
        key, now = circuit_of_key("high"), clock()
        with room.board.transaction():
            room.board.circuits.put(opened(Circuit(name=key), "refused", SESSION, now))
            room.board.notices.owe(key, Channel.GITHUB, "MARKER", TIMEOUT, {"key": key}, now)
        teller.tell()
        await until(lambda: room.heard)
        [told] = room.heard
        assert isinstance(told, NoticeTold)
        with room.board.transaction():
            room.board.notices.told(told.incident, Channel.GITHUB, now, told.how.issue)
        recorder.close(1)
        teller.tell()
        await until(lambda: len(room.heard) == 2)
        assert room.heard[1] == IssueClosed(incident=f"{key}@{now}", circuit=key, issue=1)

    within(lambda: Room(recorder, monkeypatch), act)


def test_the_issue_says_what_to_do_and_bears_a_label_of_its_own(recorder: Recorder) -> None:
    facts = {"key": "key:high", "tier": "high", "reason": "its login or key was refused to 3 runs in a row"}
    notice = Notice(incident="i", channel=Channel.GITHUB, marker="01J", kind=TIMEOUT, facts=facts, at=NOW)
    deliver(Guardian(github=a_way(recorder)), notice)
    deliver(Guardian(github=a_way(recorder, labels=())), notice)
    first, second = recorder.issues
    assert first["labels"] == ["koubou", "session-timeout"]
    assert second["labels"] == ["session-timeout"]
    assert "session timeout" in first["title"]
    for part in (
        "Close this issue",
        "every 5 minutes",
        "`koubou resume high`",
        "koubou secret set",
        "refused to 3 runs",
    ):
        assert part in first["body"], part
    assert "budget resume" not in first["body"]
