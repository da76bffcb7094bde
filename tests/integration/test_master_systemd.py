"""Word for the service manager, as sd_notify(3) has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from koubou.master.systemd import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_words_come_as_one_datagram(tmp_path: Path, abstract: bool) -> None:
    name = f"@koubou-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name})
        notifier.say("READY=1", "STATUS=serving")
        notifier.say("WATCHDOG=1")
        assert manager.recv(999) == b"READY=1\nSTATUS=serving"
        assert manager.recv(999) == b"WATCHDOG=1"


def test_a_manager_that_does_not_listen_is_no_reason_to_stop(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        Notifier(environ).say("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "deaf"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "deaf")})
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
