"""The teller: what is owed and due is begun on the board, then told in a thread, and heard of as a value."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from recorder import TOKEN, Recorder

from koubou.board import Board, open_in_memory
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master import teller as module
from koubou.master.clock import clock
from koubou.master.teller import Teller
from koubou.model.heard import NoticeFailed, NoticeTold
from koubou.model.notice import Channel, GithubWay, Guardian, Notice, Told, Trouble, WebhookWay

Words = list[NoticeTold | NoticeFailed]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


class Room:
    """A board that owes, a teller, and what it has let us hear."""

    def __init__(self, recorder: Recorder) -> None:
        self.board = Board(open_in_memory())
        self.stream = io.StringIO()
        self.journal = Journal(stream=self.stream)
        self.heard: Words = []
        self.guardian = a_guardian(recorder)
        self.teller = Teller(self.board, self.journal, self.guardian, hear=self.heard.append)

    def owe(self, *channels: Channel, key: str = "emergency") -> None:
        with self.board.transaction():
            for channel in channels or tuple(Channel):
                self.board.notices.owe(key, channel, f"MARKER-{key}-{channel}", "emergency", {"key": key}, clock())

    def begun(self) -> list[tuple[int, bool]]:
        rows = self.board.connection.execute("SELECT tries, begun_at FROM notice ORDER BY channel").fetchall()
        return [(row["tries"], row["begun_at"] is not None) for row in rows]


def a_guardian(recorder: Recorder, **changes: Any) -> Guardian:
    github = {"api": recorder.address, "repo": "octo/workshop", "token": TOKEN, "assignee": None, "labels": ()}
    return Guardian(github=GithubWay(**github | changes), webhook=WebhookWay(address=recorder.webhook))


def within(recorder: Recorder, act: Callable[[Room], Awaitable[None]]) -> Room:
    """Do this in a running loop."""

    async def main() -> Room:
        room = Room(recorder)
        await act(room)
        return room

    room = asyncio.run(main())
    room.journal.close()
    return room


async def until(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not fact():
            await asyncio.sleep(0.005)


def test_what_is_owed_is_told_by_each_way_and_heard_of(recorder: Recorder) -> None:
    async def act(room: Room) -> None:
        room.owe()
        room.teller.tell()
        assert room.teller.busy
        await until(lambda: len(room.heard) == 2)
        assert not room.teller.busy

    room = within(recorder, act)
    assert {(word.channel, word.tries) for word in room.heard} == {(Channel.GITHUB, 1), (Channel.WEBHOOK, 1)}
    assert all(isinstance(word, NoticeTold) for word in room.heard)
    assert (len(recorder.issues), len(recorder.posts)) == (1, 1)


def test_an_attempt_stands_on_the_board_before_anything_goes_out(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def act(room: Room) -> None:
        loop = asyncio.get_running_loop()

        async def look() -> None:
            seen.append(room.begun())

        def deliver(_guardian: Guardian, notice: Notice) -> Told:
            assert notice.begun_at is None  # no earlier attempt: there is nothing to look for
            asyncio.run_coroutine_threadsafe(look(), loop).result(10)
            return Told()

        monkeypatch.setattr(module, "deliver", deliver)
        room.owe(Channel.GITHUB)
        room.teller.tell()
        await until(lambda: room.heard)

    within(recorder, act)
    assert seen == [[(1, True)]]


def test_one_notice_at_a_time_by_each_way(recorder: Recorder) -> None:
    async def act(room: Room) -> None:
        recorder.next_posts("hung")
        room.owe(Channel.GITHUB)
        room.owe(Channel.GITHUB, key="model:m")
        room.teller.tell()
        await until(lambda: recorder.issues)
        room.teller.tell()
        assert room.begun() == [(1, True), (0, False)]
        recorder.let_go.set()
        await until(lambda: room.heard)
        room.teller.tell()
        await until(lambda: len(room.heard) == 2)

    room = within(recorder, act)
    assert isinstance(room.heard[0], NoticeFailed)
    assert isinstance(room.heard[1], NoticeTold)
    assert len(recorder.issues) == 2


def test_what_was_begun_is_not_begun_again_before_its_end_can_be_seen(recorder: Recorder) -> None:
    async def act(room: Room) -> None:
        recorder.next_posts("lost")
        room.owe(Channel.GITHUB)
        room.teller.tell()
        await until(lambda: room.heard)
        another = Teller(room.board, room.journal, room.guardian, hear=room.heard.append)
        another.take(room.guardian)
        another.tell()
        assert not another.busy
        with room.board.transaction():
            room.board.connection.execute("UPDATE notice SET next_try_at = 0")
        another.tell()
        await until(lambda: len(room.heard) == 2)

    room = within(recorder, act)
    word = room.heard[1]
    assert isinstance(word, NoticeTold)
    assert (word.how, word.tries) == (Told(issue=1, found=True), 2)
    assert len(recorder.issues) == 1


def test_nothing_goes_out_while_the_board_cannot_be_written(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise BoardUnavailable("the disk is full")

    async def act(room: Room) -> None:
        room.owe()
        monkeypatch.setattr(room.board.notices, "begun", full)
        room.teller.tell()
        assert not room.teller.busy

    within(recorder, act)
    assert recorder.requests == []


def test_an_attempt_that_hangs_keeps_nobody(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_END_WAITS", 0.0)
    monkeypatch.setattr(module, "_GIVEN_UP_AFTER", 0.0)

    async def act(room: Room) -> None:
        recorder.next_posts("hung")
        room.owe(Channel.GITHUB)
        room.teller.tell()
        await until(lambda: recorder.issues)
        assert not room.teller.busy
        room.teller.tell()
        assert [type(word) for word in room.heard] == [NoticeFailed]
        recorder.let_go.set()

    within(recorder, act)


def test_new_settings_try_at_once_what_the_old_ones_hindered(recorder: Recorder) -> None:
    async def act(room: Room) -> None:
        room.teller.take(a_guardian(recorder, token="", problem="GITHUB_TOKEN is not set"))
        room.owe(Channel.GITHUB)
        room.teller.tell()
        await until(lambda: room.heard)
        word = room.heard[0]
        assert isinstance(word, NoticeFailed)
        assert word.why.trouble is Trouble.SETTINGS
        with room.board.transaction():
            room.board.notices.failed(word.incident, Channel.GITHUB, word.why.trouble, clock() + 900_000)
        room.teller.tell()
        assert not room.teller.busy
        room.teller.take(room.guardian)
        room.teller.tell()
        await until(lambda: len(room.heard) == 2)

    room = within(recorder, act)
    assert isinstance(room.heard[1], NoticeTold)


def test_what_is_owed_by_a_way_that_was_taken_out_is_said(recorder: Recorder) -> None:
    async def act(room: Room) -> None:
        room.owe()
        room.teller.take(Guardian(webhook=room.guardian.webhook))
        room.teller.tell()
        await until(lambda: room.heard)

    room = within(recorder, act)
    assert [word.channel for word in room.heard] == [Channel.WEBHOOK]
    [line] = [json.loads(line) for line in room.stream.getvalue().splitlines()]
    assert (line["event"], line["channel"], line["count"]) == ("guardian.unreachable", "github", 1)
    assert "guardian.github" in line["reason"]
