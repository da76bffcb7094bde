"""One master per workshop; the lock is the process's life, not a file that can go stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koubou.errors import WorkshopTaken
from koubou.master import lock

HOLD = (
    "import sys\nfrom koubou.master import lock\n"
    "held = lock.take(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()\n"
)


def another_master(folder: Path) -> subprocess.Popen[str]:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_the_second_is_told_who_has_it_and_leaves_it_alone(tmp_path: Path) -> None:
    other = another_master(tmp_path)
    try:
        for _ in range(2):
            with pytest.raises(WorkshopTaken, match=f"process {other.pid} serves"):
                lock.take(str(tmp_path))
        assert (tmp_path / lock.NAME).read_text() == f"{other.pid}\n"
    finally:
        other.kill()
        other.communicate()


def test_the_workshop_of_a_killed_master_is_free_at_once(tmp_path: Path) -> None:
    other = another_master(tmp_path)
    other.kill()
    other.communicate()
    held = lock.take(str(tmp_path))
    try:
        assert (tmp_path / lock.NAME).read_text() == f"{os.getpid()}\n"
    finally:
        os.close(held)


def test_a_child_does_not_keep_the_workshop(tmp_path: Path) -> None:
    held = lock.take(str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        os.close(held)
        os.close(lock.take(str(tmp_path)))
    finally:
        child.communicate()


def test_a_lock_that_is_a_link_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / lock.NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        lock.take(str(tmp_path))
    assert (tmp_path / "precious").read_text() == "keep"
