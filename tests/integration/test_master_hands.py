"""The master's two hands can be killed at any moment: they are there again, and nothing was lost or done twice."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from workshop import Workshop, words_of

from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.hand import Hand

REHEARSED = {
    "reach": "local",
    "executor": "rehearsal",
    "price": {"input": 0, "output": 0},
    "workers": {"max": 1},
    "concurrency": 64,
}


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    """A workshop that rehearses."""
    with Workshop(
        None, tiers={"local": REHEARSED}, routing={"high": "local", "medium": "local", "low": "local"}
    ) as workshop:
        yield workshop.start()


def hand(workshop: Workshop, name: str) -> psutil.Process:
    """The process of a hand, as soon as it is there."""

    def find() -> psutil.Process | None:
        for each in workshop.notice_processes():
            try:
                words = words_of(each)
            except psutil.NoSuchProcess:
                continue
            if "koubou.hands" in words and name in words:
                return each
        return None

    found = workshop.wait_until(find, f"the {name} to be there")
    assert found is not None
    return found


def kill(workshop: Workshop, process: psutil.Process) -> None:
    """Kill a hand; returns when its loss was told."""
    told = len(list(workshop.events("hand.lost")))
    process.kill()
    workshop.wait_until(lambda: len(list(workshop.events("hand.lost"))) > told, "the loss to be told")


def tasks(start: int, count: int) -> dict[str, dict[str, str]]:
    return {f"{n}.yaml": {"id": f"t{n}", "prompt": f"Number {n}"} for n in range(start, start + count)}


def done_once(workshop: Workshop, count: int) -> None:
    """Every task has its answer, ended once, and left nothing behind."""
    workshop.wait_for_ends(count)
    assert workshop.completed == {f"t{n}" for n in range(count)}
    assert workshop.rejected == set()
    assert workshop.waiting_files == set()
    workshop.wait_until(
        lambda: not list((workshop.home / "tasks").glob(".claim-*")), "the last claims to be taken away"
    )
    workshop.wait_until(lambda: workshop.counts() == {"completed": count}, "the board to know")
    query = "SELECT t.id, COUNT(*) FROM history h JOIN task t ON t.seq = h.task WHERE h.event = ? GROUP BY t.id"
    for event in ("task.enqueued", "task.completed"):
        told = Counter(dict(workshop.sql(query, event)))
        assert {task: times for task, times in told.items() if times != 1} == {}
        assert len(told) == count
    assert list((workshop.home / "tasks/in_progress").iterdir()) == []


def test_an_intake_killed_among_files_loses_none_and_takes_none_twice(workshop: Workshop) -> None:
    for round_ in range(2):
        before = hand(workshop, "intake")
        workshop.drop_all(tasks(round_ * 200, 200))
        workshop.wait_until(lambda: len(workshop.waiting_files) < 190, "some files to be taken", every=0.002)
        kill(workshop, before)
    assert {line["hand"] for line in workshop.events("hand.lost")} == {"intake"}
    done_once(workshop, 400)


def test_a_shelving_killed_among_endings_shelves_each_once(workshop: Workshop) -> None:
    for round_ in range(2):
        before = hand(workshop, "shelving")
        enough = len(workshop.completed) + 10
        workshop.drop_all(tasks(round_ * 200, 200))
        workshop.wait_until(lambda n=enough: len(workshop.completed) > n, "some to be shelved", every=0.002)
        kill(workshop, before)
    assert {line["hand"] for line in workshop.events("hand.lost")} == {"shelving"}
    done_once(workshop, 400)


def test_hands_that_were_killed_while_nothing_happened_are_there_when_something_does(workshop: Workshop) -> None:
    for name in ("intake", "shelving"):
        before = hand(workshop, name)
        kill(workshop, before)
        assert hand(workshop, name).pid != before.pid
    workshop.drop_all(tasks(0, 1))
    done_once(workshop, 1)


def test_at_the_end_the_master_waits_for_a_hand_also_when_it_was_lost_before() -> None:
    async def drill() -> None:
        began = asyncio.Queue[int]()
        journal = Journal(stream=io.StringIO())
        hand = Hand("shelving", journal, Children(), heard=lambda _: None, began=lambda: began.put_nowait(1))
        hand.start()
        await began.get()
        (first,) = psutil.Process().children()
        first.kill()
        await began.get()
        (second,) = psutil.Process().children()
        assert second.pid != first.pid
        await hand.stop(patience=20)
        assert not second.is_running()
        journal.close()

    asyncio.run(drill())
