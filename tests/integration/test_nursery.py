"""The process that forks workers and hands: whom it bears, what they inherit, and what becomes of them without it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from builders import a_tier
from nurseries import a_nursery
from rehearsing import a_rehearsal
from workshop import Workshop, words_of

from koubou import last_words
from koubou.backends.opening import modules_of
from koubou.master import nursery as room
from koubou.master.nursery import Born, Nursery

HAND = ("koubou.hands", ("shelving",), ())
EXECUTORS = ("chat", "messages", "rehearsal", "codex", "claude", "hybrid", "command:x")


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with a_nursery() as found:
        yield found


async def born(nursery: Nursery, wire: socket.socket, load: tuple[str, ...] = ()) -> Born:
    """A hand at this end of a wire."""
    paper = last_words.paper()
    try:
        async with nursery.birth(*HAND, load=load, wire=wire, paper=paper) as child:
            return child
    finally:
        os.close(paper)


def test_a_child_is_the_masters_own_and_its_end_is_heard(nursery: Nursery) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        first = asyncio.run(born(nursery, theirs))
        second = asyncio.run(born(nursery, theirs))
    for child in (first, second):
        process = psutil.Process(child.pid)
        end = time.monotonic() + 10
        while process.ppid() != os.getpid():  # who forked it is just ending
            assert time.monotonic() < end
        assert os.getsid(child.pid) == child.pid
        assert words_of(process) == ["koubou.hands", "shelving"]
        os.kill(child.pid, signal.SIGTERM)  # is the master's to answer, and the wire's end is his answer
    assert (first.wait(), second.wait()) == (0, 0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        third = asyncio.run(born(nursery, theirs))
        os.kill(third.pid, signal.SIGKILL)
        assert third.wait() == -signal.SIGKILL


def test_no_child_comes_to_the_master_before_he_has_noted_it(nursery: Nursery) -> None:
    async def look(wire: socket.socket) -> Born:
        paper = last_words.paper()
        async with nursery.birth(*HAND, load=(), wire=wire, paper=paper) as child:
            await asyncio.sleep(0.3)
            assert psutil.Process(child.pid).ppid() != os.getpid()
        os.close(paper)
        return child

    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = asyncio.run(look(theirs))
    assert child.wait() == 0


def test_with_all_loaded_that_workers_need_it_is_one_thread_and_can_fork(nursery: Nursery) -> None:
    load = tuple({name for executor in EXECUTORS for name in modules_of(a_tier(executor=executor))})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = asyncio.run(born(nursery, theirs, load))
        assert psutil.Process(nursery.open()).num_threads() == 1
    assert child.wait() == 0


def test_one_that_stands_still_is_started_anew(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PATIENCE", 0.3)
    halted = nursery.open()
    os.kill(halted, signal.SIGSTOP)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OSError, match="does not answer"):
            asyncio.run(born(nursery, theirs))
        assert not psutil.pid_exists(halted)
        monkeypatch.undo()
        assert nursery.open() != halted
        child = asyncio.run(born(nursery, theirs))
    assert child.wait() == 0


def test_what_cannot_be_loaded_or_is_too_long_is_told(nursery: Nursery) -> None:
    first = nursery.open()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(OSError, match="has ended"):
            asyncio.run(born(nursery, theirs, ("koubou.nowhere",)))
        psutil.Process(first).wait(20)
        assert nursery.open() != first
        with pytest.raises(OSError, match="Message too long"):
            asyncio.run(born(nursery, theirs, ("x" * 1_000_000,)))
        child = asyncio.run(born(nursery, theirs))
    assert child.wait() == 0


def test_it_ends_with_its_master(nursery: Nursery) -> None:
    process = psutil.Process(nursery.open())
    line = nursery._line
    assert line is not None
    line.close()
    assert process.wait(20) == 0


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-hunter2-hunter2")
    with a_rehearsal() as found:
        found.launch(anew=True)
        found.wait_for_event("system.ready")
        yield found


def kin(workshop: Workshop) -> dict[str, psutil.Process]:
    """By its word: nursery, intake, shelving, worker."""
    assert workshop.process is not None
    found = {}
    for each in psutil.Process(workshop.process.pid).children():
        try:
            words = words_of(each)
        except psutil.NoSuchProcess:  # a zombie, too
            continue
        if "koubou.nursery" in words:
            found["nursery"] = each
        elif words[:1] == ["koubou.hands"]:
            found[words[1]] = each
        elif words[:1] == ["koubou.worker"]:
            found["worker"] = each
    return found


def test_no_child_has_a_key_in_its_environment_or_is_deaf(workshop: Workshop) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    workshop.output("a")
    family = kin(workshop)
    assert set(family) == {"nursery", "intake", "shelving", "worker"}
    for name, each in family.items():
        assert b"hunter2" not in Path(f"/proc/{each.pid}/environ").read_bytes(), name
        assert "SigBlk:\t0000000000000000\n" in Path(f"/proc/{each.pid}/status").read_text(), name


def test_whoever_it_has_borne_works_on_without_it_and_another_bears_the_next(workshop: Workshop) -> None:
    def family_but_for(*gone: psutil.Process) -> dict[str, psutil.Process] | None:
        found = kin(workshop)
        return found if set(found) == set(before) and not set(gone) & set(found.values()) else None

    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    workshop.output("a")
    before = kin(workshop)
    nursery, worker, shelving = (before[name] for name in ("nursery", "worker", "shelving"))
    nursery.kill()
    found = workshop.wait_until(lambda: family_but_for(nursery), "another nursery before anybody needs it")
    assert found == {**before, "nursery": found["nursery"]}  # type: ignore[index]
    workshop.drop("b.yaml", {"id": "b", "prompt": "Hello"})
    assert workshop.output("b")["answer"]
    worker.kill()
    shelving.kill()
    workshop.drop("c.yaml", {"id": "c", "prompt": "Hello"})
    assert workshop.output("c")["answer"]
    after = workshop.wait_until(lambda: family_but_for(nursery, worker, shelving), "others of those that were killed")
    time.sleep(1.5)  # the master looks for whoever came to him once a second
    assert kin(workshop) == after
    assert after["intake"] == before["intake"]  # type: ignore[index]
