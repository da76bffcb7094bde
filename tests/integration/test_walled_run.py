"""A run within walls on a leash: it is asked to end by the right signal, held to its bounds, and leaves nobody."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from inside import ENVIRONMENT, PYTHON, Gateway, House, echo, needs_walls
from leashed import PATIENCE, Roll, limits, run

from koubou.leash.holding import Leashes
from koubou.leash.mark import mark_of
from koubou.leash.orders import Command, Ended, Limits, Why
from koubou.sandbox.walls import walled

pytestmark = needs_walls

LISTENS = """
import os, signal
def heard(number, frame):
    os.write(1, b"heard %d\\n" % number)
    os._exit(7)
signal.signal(signal.SIGINT, heard)
signal.signal(signal.SIGTERM, heard)
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
LEAVES_OTHERS = """
import os, signal, time
for number in range(4):
    if os.fork() == 0:
        os.setsid()
        if number % 2:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if number > 1 and os.fork():
            os._exit(0)
        time.sleep(600)
open("/work/ready", "w").close()
"""
WORKER = """
import asyncio, sys
sys.path[:0] = sys.argv[1].split(":")
from koubou.leash.holding import Leashes
from koubou.leash.kernel import become_subreaper
from koubou.leash.orders import Command, Limits
folder, mark, token, *argv = sys.argv[2:]
command = Command(argv=argv, environment={"TOKEN": token, "PATH": "/usr/bin:/bin"}, directory=folder, mark=mark,
                  stdout=folder + "/stdout", stderr=folder + "/stderr")
become_subreaper()
asyncio.run(Leashes().run(command, Limits(wall=None), lambda data: False))
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    gateway = Gateway(house.socket, echo)
    yield house
    gateway.close()


def of(house: House, folder: Path, *argv: str) -> Command:
    return Command(
        argv=walled(argv, house.walls()),
        environment={**ENVIRONMENT, "TOKEN": Roll(folder).token},
        directory=str(house.work),
        stdout=str(folder / "stdout"),
        stderr=str(folder / "stderr"),
        mark=mark_of(str(folder), "worker-1", "task", 1),
    )


def end_once_ready(house: House, folder: Path, bounds: Limits, code: str = LISTENS) -> Ended:
    """Run it, have it ended as soon as it says that it is ready."""

    async def until_over() -> Ended:
        command = of(house, folder, PYTHON, "-c", code)
        return await Leashes().run(command, bounds, lambda data: b"ready" in data)

    return asyncio.run(until_over())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_agent_itself_is_asked_to_end(house: House, tmp_path: Path, number: signal.Signals) -> None:
    bounds = limits(linger=1, grace=20_000, signal=number, signal_depth=house.walls().depth)
    ended = end_once_ready(house, tmp_path, bounds)
    assert (ended.why, ended.status) == (Why.SETTLED, 7)
    assert tmp_path.joinpath("stdout").read_text() == f"ready\nheard {int(number)}\n"
    assert ended.killed == ()


def test_what_an_agent_left_behind_is_not_asked_in_its_place(house: House, tmp_path: Path) -> None:
    left = "import os\nif os.fork() == 0:\n    os.fork() or os.execlp('sh', 'sh', '-c', 'sleep 9m; :')\n    os._exit(0)"
    code = f"{left}\n{LISTENS}"
    bounds = limits(linger=1, grace=20_000, signal=signal.SIGINT, signal_depth=house.walls().depth)
    assert end_once_ready(house, tmp_path, bounds, code).status == 7
    Roll(tmp_path).nobody_soon()


def test_one_that_lies_nowhere_so_deep_is_asked_at_its_root(house: House, tmp_path: Path) -> None:
    ended = end_once_ready(house, tmp_path, limits(linger=1, grace=20_000, signal_depth=9))
    assert (ended.why, ended.signal) == (Why.SETTLED, signal.SIGTERM)


def test_an_agent_that_does_not_listen_is_killed_with_all_within(house: House, tmp_path: Path) -> None:
    code = f"{LEAVES_OTHERS}\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)"
    ended = end_once_ready(house, tmp_path, limits(linger=1, grace=100, signal=signal.SIGINT, signal_depth=3), code)
    assert ended.why is Why.SETTLED
    assert ended.killed
    assert Roll(tmp_path).alive() == []


def test_whom_an_agent_leaves_ends_with_it(house: House, tmp_path: Path) -> None:
    ended = run(of(house, tmp_path, PYTHON, "-c", LEAVES_OTHERS), limits(grace=20_000))
    assert (ended.why, ended.status) == (Why.EXITED, 0)
    assert house.work.joinpath("ready").exists()
    assert Roll(tmp_path).alive() == []


@pytest.mark.parametrize(
    ("code", "bounds", "why"),
    [
        ("x = b'x' * (300 << 20); import time; time.sleep(600)", limits(memory=200 << 20), Why.MEMORY),
        ("import os, time; [os.fork() for _ in range(6)]; time.sleep(600)", limits(processes=40), Why.PROCESSES),
        ("import time; time.sleep(600)", limits(wall=300), Why.WALL),
    ],
)
def test_the_bounds_of_a_tree_count_within_walls(
    house: House, tmp_path: Path, code: str, bounds: Limits, why: Why
) -> None:
    assert run(of(house, tmp_path, PYTHON, "-c", code), bounds).why is why
    assert Roll(tmp_path).alive() == []


def test_the_bound_of_a_file_counts_within_walls(house: House, tmp_path: Path) -> None:
    code = "open('/work/large', 'wb').write(b'x' * 2_000_000)"
    ended = run(of(house, tmp_path, PYTHON, "-c", code), limits(file=1_000_000))
    assert ended.status == 1
    assert house.work.joinpath("large").stat().st_size == 1_000_000


def leash_of(worker: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(worker).children() if "koubou/leash" in " ".join(child.cmdline())]


@pytest.mark.parametrize("killed", ["worker", "leash", "bwrap"])
def test_a_kill_anywhere_above_leaves_nobody(house: House, tmp_path: Path, killed: str) -> None:
    roll = Roll(tmp_path)
    argv = walled((PYTHON, "-c", f"{LEAVES_OTHERS}\ntime.sleep(600)"), house.walls())
    mark = mark_of(str(tmp_path), "worker-1", "task", 1)
    words = [sys.executable, "-c", WORKER, ":".join(sys.path), str(tmp_path), mark, roll.token, *argv]
    worker = subprocess.Popen(words)
    try:
        wait_for(lambda: house.work.joinpath("ready").exists())
        assert len(roll.alive()) >= 5
        [leash] = leash_of(worker.pid)
        [bwrap] = leash.children()
        victim = {"worker": worker.pid, "leash": leash.pid, "bwrap": bwrap.pid}[killed]
        os.kill(victim, signal.SIGKILL)
        roll.nobody_soon()
    finally:
        worker.kill()
        worker.wait()


def test_killed_walls_leave_nobody_even_without_a_leash(house: House, tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    argv = walled((PYTHON, "-c", f"{LEAVES_OTHERS}\ntime.sleep(600)"), house.walls())
    walls = subprocess.Popen(argv, env={**ENVIRONMENT, "TOKEN": roll.token})
    try:
        wait_for(lambda: house.work.joinpath("ready").exists())
    finally:
        walls.kill()
        walls.wait()
    roll.nobody_soon()


def wait_for(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.005)
