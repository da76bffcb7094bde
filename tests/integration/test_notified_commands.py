"""Commands that are told: nothing that they started outlives them, nor the master, whatever it calls itself."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from koubou.journal import Journal
from koubou.leash import adopted
from koubou.master.children import Children
from koubou.master.orphans import Orphans
from koubou.model.notice import NotTold, Told
from koubou.model.notification import Notification, Target
from koubou.notices import notification
from koubou.notices.notification import tell_target

PATIENCE = 60.0
ONE = Notification(id=1, marker="M-1", target="done", body="{}", at=0, tries=0)
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = [sys.executable, "-I", "-S", "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(300)"]
own = subprocess.Popen(sleep)
away = subprocess.Popen(sleep, start_new_session=True)
told = open(sys.argv[1] + "~", "w")
print(os.getpid(), own.pid, away.pid, file=told, flush=True)
os.rename(told.name, sys.argv[1])
time.sleep(float(sys.argv[2]))
"""
MASTER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from koubou.master.children import Children
from tests.integration.test_notified_commands import ONE, family, tell_target
telling = threading.Thread(target=tell_target, args=(family(sys.argv[2], 300), ONE, Children()))
telling.start()
telling.join()
"""


def family(told: object, seconds: float) -> Target:
    """A command with one child in its own group, and one in a session of its own."""
    command = (sys.executable, "-I", "-S", "-c", FAMILY, str(told), str(seconds))
    return Target(events=(), command=command)


def a_command(*words: str) -> Target:
    return Target(events=(), command=words)


def pids(told: Path) -> list[int]:
    """Whose numbers the command has written down."""
    end = time.monotonic() + PATIENCE
    while not told.exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    return [int(word) for word in told.read_text().split()]


def alive(found: list[int]) -> list[int]:
    def lives(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [pid for pid in found if lives(pid)]


def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    assert isinstance(tell_target(family(tmp_path / "told", 0), ONE, Children()), Told)
    assert alive(pids(tmp_path / "told")) == []


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "_COMMAND_WITHIN", 0.5)
    outcome = tell_target(family(tmp_path / "told", 300), ONE, Children())
    assert isinstance(outcome, NotTold)
    assert "too long" in outcome.reason
    assert alive(pids(tmp_path / "told")) == []


def test_a_killed_master_takes_a_command_with_all_it_started_along(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    master = subprocess.Popen(
        [sys.executable, "-c", MASTER, root, str(tmp_path / "told")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, f"{root}/tests"])},
    )
    found = pids(tmp_path / "told")
    assert len(alive(found)) == 3
    master.kill()
    assert master.wait(PATIENCE) == -signal.SIGKILL
    end = time.monotonic() + PATIENCE
    while left := alive(found):
        assert time.monotonic() < end, left
        time.sleep(0.005)


def test_a_command_does_not_outlive_who_holds_it(tmp_path: Path) -> None:
    outcomes: list[object] = []
    target = family(tmp_path / "told", 300)
    telling = threading.Thread(target=lambda: outcomes.append(tell_target(target, ONE, Children())))
    telling.start()
    command, *others = pids(tmp_path / "told")
    holder = psutil.Process(command).parent()
    assert holder is not None
    holder.kill()
    telling.join(PATIENCE)
    end = time.monotonic() + PATIENCE
    while alive([command]):
        assert time.monotonic() < end
        time.sleep(0.005)
    for pid in alive(others):  # a master is a subreaper, and ends these with the next worker's remains
        os.kill(pid, signal.SIGKILL)
    (outcome,) = outcomes
    assert isinstance(outcome, NotTold)
    assert outcome.reason == "the command ended with -9"


def test_a_command_that_is_killed_or_fails_is_not_told(tmp_path: Path) -> None:
    killed = tell_target(a_command("/bin/sh", "-c", "kill -9 $$"), ONE, Children())
    failed = tell_target(a_command("/bin/sh", "-c", "exit 7"), ONE, Children())
    assert [each.reason for each in (killed, failed) if isinstance(each, NotTold)] == [
        "the command ended with 137",
        "the command ended with 7",
    ]


def test_a_command_is_no_orphan_of_a_worker_and_its_status_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopted, "is_subreaper", lambda: True)
    outcomes: list[object] = []
    children, go, ready = Children(), tmp_path / "go", tmp_path / "ready"
    os.mkfifo(go)
    waits = a_command("/bin/sh", "-c", f"echo 1 > {ready}; read -r word < {go}; exit 7")

    async def end_workers() -> None:
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()), children)
        telling = threading.Thread(target=lambda: outcomes.append(tell_target(waits, ONE, children)))
        telling.start()
        await asyncio.to_thread(pids, ready)
        for _ in range(3):
            over = asyncio.Event()
            orphans.end("a-worker", then=over.set)
            await over.wait()
        both = os.open(go, os.O_RDWR)  # does not wait for a reader
        os.write(both, b"go\n")
        while telling.is_alive():
            orphans.reap()
            await asyncio.sleep(0)
        os.close(both)

    asyncio.run(asyncio.wait_for(end_workers(), 60))
    (outcome,) = outcomes
    assert isinstance(outcome, NotTold)
    assert outcome.reason == "the command ended with 7"
