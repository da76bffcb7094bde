"""What the kernel tells of its kills, in both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from koubou.master.out_of_memory import OutOfMemory


@pytest.mark.parametrize(
    ("line", "file"), [("0::/a/b", "a/b/memory.events"), ("9:cpu,memory:/a/b", "memory/a/b/memory.oom_control")]
)
def test_a_kill_is_told_once(tmp_path: Path, line: str, file: str) -> None:
    own, counts = tmp_path / "cgroup", tmp_path / "sys" / file
    counts.parent.mkdir(parents=True)
    own.write_text(f"1:name=systemd:/x\n{line}\n")
    counts.write_text("low 0\noom 3\noom_kill 1\n")
    watch = OutOfMemory(own, tmp_path / "sys")
    assert not watch.happened()
    counts.write_text("low 0\noom 3\noom_kill 2\n")
    assert watch.happened()
    assert not watch.happened()


def test_where_nothing_is_told_nothing_is_claimed(tmp_path: Path) -> None:
    assert not OutOfMemory(tmp_path / "nothing", tmp_path).happened()
