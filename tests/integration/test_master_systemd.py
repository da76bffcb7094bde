"""Word for the service manager, as sd_notify(3) has it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from koubou.master.systemd import STATUS_EVERY, Herald, Notifier


class Manager:
    """A service manager that only listens."""

    def __init__(self, line: socket.socket, name: str) -> None:
        self._line = line
        self.environ = {"NOTIFY_SOCKET": name}

    def heard(self) -> list[str]:
        """What has come since it was last asked."""
        words: list[str] = []
        with suppress(BlockingIOError):
            while True:
                words += self._line.recv(9999, socket.MSG_DONTWAIT).decode().splitlines()
        return words


@contextmanager
def a_manager(name: str) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind("\0" + name[1:] if name.startswith("@") else name)
        yield Manager(line, name)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with a_manager(str(tmp_path / "notify")) as manager:
        yield manager


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("abstract", [False, True])
def test_words_come_as_one_datagram(tmp_path: Path, abstract: bool) -> None:
    with a_manager(f"@koubou-test-{os.getpid()}" if abstract else str(tmp_path / "notify")) as manager:
        notifier = Notifier(manager.environ)
        assert notifier.say("READY=1", "STATUS=serving")
        assert manager._line.recv(999) == b"READY=1\nSTATUS=serving"


def test_a_manager_that_does_not_listen_is_no_reason_to_stop(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        assert not Notifier(environ).say("READY=1")
    with a_manager(str(tmp_path / "deaf")) as manager:
        notifier = Notifier(manager.environ)
        for _ in range(10_000):  # its queue is full long before, and nobody waits for it
            notifier.say("WATCHDOG=1")


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_only_if_it_says_so(environ: dict[str, str], seconds: float | None) -> None:
    assert Notifier(environ).watchdog_seconds == seconds


def test_the_watchdog_is_pinged_by_turns_and_not_by_time(manager: Manager) -> None:
    clock = Clock()
    herald = Herald(Notifier(manager.environ | {"WATCHDOG_USEC": "2000000"}), lambda: "quiet", clock)
    herald.ready()
    assert manager.heard() == ["READY=1", "STATUS=quiet"]
    clock.now += 60
    assert manager.heard() == []
    herald.turned()
    assert manager.heard() == ["WATCHDOG=1"]
    herald.turned()
    assert manager.heard() == [], "a busy master does not ping at every turn"
    clock.now += 0.5
    herald.turned("the board cannot be written: disk full")
    assert "WATCHDOG=1" in manager.heard(), "a turn that could not write is a turn: a restart would not mend the disk"


def test_the_status_is_told_when_it_changes_and_not_too_often(manager: Manager) -> None:
    clock, figures = Clock(), ["one"]
    herald = Herald(Notifier(manager.environ), lambda: figures[0], clock)
    herald.ready()
    figures[0] = "two"
    herald.turned()
    assert "STATUS=two" not in manager.heard()
    clock.now += STATUS_EVERY
    herald.turned()
    assert "STATUS=two" in manager.heard()
    clock.now += STATUS_EVERY
    herald.turned()
    assert not [word for word in manager.heard() if word.startswith("STATUS")]
    clock.now += STATUS_EVERY
    herald.turned("the board cannot be written:\ndisk full")
    assert "STATUS=the board cannot be written: disk full" in manager.heard()


def test_a_reload_says_when_it_began_and_what_came_of_it(manager: Manager) -> None:
    herald = Herald(Notifier(manager.environ), lambda: "quiet", Clock())
    herald.ready()
    manager.heard()
    herald.reloading()
    reloading, began = manager.heard()
    assert reloading == "RELOADING=1"
    microseconds = int(began.removeprefix("MONOTONIC_USEC="))
    assert 0 <= time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6 - microseconds < 60e6
    herald.reloaded(["line 1: no such tier", "line 2: no such key"])
    assert manager.heard() == ["READY=1", "STATUS=quiet; new settings refused: line 1: no such tier (and 1 more)"]
    herald.reloaded([])
    assert manager.heard() == ["READY=1", "STATUS=quiet"]


def test_a_reload_before_it_is_ready_does_not_make_it_ready(manager: Manager) -> None:
    herald = Herald(Notifier(manager.environ), lambda: "quiet", Clock())
    herald.starting("recovering")
    assert manager.heard() == ["STATUS=recovering", "EXTEND_TIMEOUT_USEC=20000000"]
    herald.reloading()
    herald.reloaded([])
    assert manager.heard() == []


def test_more_time_is_asked_for_as_long_as_turns_drain(manager: Manager) -> None:
    clock = Clock()
    herald = Herald(Notifier(manager.environ), lambda: "2 at work", clock)
    herald.ready()
    herald.draining()
    assert manager.heard()[2:] == ["STOPPING=1", "STATUS=draining: 2 at work", "EXTEND_TIMEOUT_USEC=20000000"]
    for _ in range(3):
        clock.now += 5
        herald.turned()
        assert "EXTEND_TIMEOUT_USEC=20000000" in manager.heard()
    herald.reloading()
    herald.reloaded([])
    assert not [word for word in manager.heard() if word.startswith(("READY", "RELOADING"))]
