"""kill -9 of leash, worker, or both, at any instant, leaves nothing of a run: the next subreaper above takes over."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from leashed import PATIENCE, Roll

from koubou.leash.adopted import end_adopted
from koubou.leash.kernel import become_subreaper, is_subreaper
from koubou.leash.mark import mark_of, marked, of_worker, of_workshop

WORKER = str(Path(__file__).parents[1] / "stubs" / "worker_like.py")
FAMILY = 5
INSTANTS = [0.0, 0.01, 0.03, 0.06, 0.1, 0.2]


class Worker:
    """A process like a worker, with a run in each folder."""

    def __init__(self, home: Path, *behaviours: str) -> None:
        self.home = home
        self.rolls = []
        words = []
        for number, behaviour in enumerate(behaviours):
            folder = home / str(number)
            folder.mkdir()
            self.rolls.append(Roll(folder))
            words += [str(folder), behaviour]
        self.process = subprocess.Popen(
            [sys.executable, WORKER, "worker-1", *words], stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def leashes(self) -> list[psutil.Process]:
        """Its leashes, in the order of their start; waits for them."""
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(psutil.Error):
                found = [
                    child
                    for child in psutil.Process(self.process.pid).children()
                    if any("koubou/leash" in word for word in child.cmdline())
                ]
                if len(found) == len(self.rolls):
                    return found
            assert time.monotonic() < end, "no leash came"
            assert self.process.poll() is None
            time.sleep(0.002)

    def told(self) -> dict[str, object]:
        """The next run that is over."""
        assert self.process.stdout is not None
        told: dict[str, object] = json.loads(self.process.stdout.readline())
        return told

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        for roll in self.rolls:
            roll.nobody_soon()


@pytest.fixture
def as_master() -> Iterator[set[int]]:
    """This process takes in orphans, as the master does; gives the children that it had before."""
    before = {child.pid for child in psutil.Process().children()}
    become_subreaper()
    yield before
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)
    assert not is_subreaper()


def end_orphans(own: set[int], home: Path) -> None:
    left = asyncio.run(end_adopted(lambda child: child.pid in own, of_worker(str(home), "worker-1")))
    assert left == []


def test_a_killed_leash_leaves_its_tree_to_the_worker_who_ends_it_and_no_other(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "family", "talker")
    try:
        for roll, count in zip(worker.rolls, (FAMILY, 1), strict=True):
            roll.at_least(count)
        worker.leashes()[0].kill()
        told = worker.told()
        assert worker.rolls[0].alive() == []
        assert (told["why"], told["folder"]) == ("lost", str(tmp_path / "0"))
        assert worker.rolls[1].alive(), "the neighbour goes on"
    finally:
        worker.close()


def test_a_command_that_kills_its_leash_gains_nothing(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "rebel")
    try:
        assert worker.told()["why"] == "lost"
        assert worker.rolls[0].alive() == []
    finally:
        worker.close()


def test_a_killed_worker_takes_its_runs_with_it(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "family", "hopper")
    worker.rolls[0].at_least(FAMILY)
    worker.rolls[1].at_least(10)
    worker.close()  # waits until nobody lives: nothing but the leashes is there to end them


def test_a_leash_whose_worker_dies_before_it_has_its_orders_starts_nothing(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "deaf")
    [leash] = worker.leashes()
    leash.suspend()
    worker.process.kill()
    worker.process.wait()
    leash.resume()
    leash.wait(PATIENCE)
    worker.close()


@pytest.mark.parametrize("instant", INSTANTS)
@pytest.mark.parametrize("victims", ["leash", "worker", "both"])
def test_kill_9_at_any_instant_leaves_nothing(
    tmp_path: Path, as_master: set[int], victims: str, instant: float
) -> None:
    worker = Worker(tmp_path, "family")
    [leash] = worker.leashes()
    time.sleep(instant + random.Random(instant).random() * 0.01)  # an instant, not a wait for a fact
    if victims != "worker":
        leash.kill()
    if victims == "leash":
        assert worker.told()["why"] == "lost"
        assert worker.rolls[0].alive() == []
    worker.process.kill()
    worker.process.wait()
    end_orphans(as_master, tmp_path)
    assert worker.rolls[0].alive() == []
    worker.close()


def test_both_killed_the_master_ends_even_who_has_no_mark(tmp_path: Path, as_master: set[int]) -> None:
    worker = Worker(tmp_path, "family")
    worker.rolls[0].at_least(FAMILY)
    [leash] = worker.leashes()
    worker.process.send_signal(signal.SIGSTOP)  # else it may have ended them before it is killed
    leash.kill()
    worker.process.kill()
    worker.process.wait()
    assert worker.rolls[0].alive()
    end_orphans(as_master, tmp_path)
    assert worker.rolls[0].alive() == []
    worker.close()


def test_a_later_master_finds_what_carries_the_mark_of_its_workshop_and_no_other(tmp_path: Path) -> None:
    environments = {
        "old": {"KOUBOU_RUN": mark_of(str(tmp_path), "worker-9", "task", 3)},
        "elsewhere": {"KOUBOU_RUN": mark_of(f"{tmp_path}/other", "worker-9", "task", 3)},
        "stranger": {"HOME": str(tmp_path)},
    }
    processes = {name: subprocess.Popen(["sleep", "60"], env=environment) for name, environment in environments.items()}
    try:
        assert [found.pid for found in marked(of_workshop(str(tmp_path)))] == [processes["old"].pid]
        assert asyncio.run(end_adopted(lambda _: True, of_workshop(str(tmp_path)))) == []
        assert processes["old"].wait(PATIENCE) == -signal.SIGKILL
        assert [processes[name].poll() for name in ("elsewhere", "stranger")] == [None, None]
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def test_the_mark_of_a_worker_is_not_that_of_one_whose_name_ends_alike(tmp_path: Path) -> None:
    mark = mark_of(str(tmp_path), "gpt-worker-1", "task", 1).encode()
    assert not mark.endswith(of_worker(str(tmp_path), "worker-1"))
    assert mark.endswith(of_worker(str(tmp_path), "gpt-worker-1"))
    assert os.fsencode(str(tmp_path)) in mark
