"""Where a control group is delegated, a leash uses one of its own, and takes it away."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from leashed import Roll, a_command, has_result, limits

from koubou.leash import cgroup
from koubou.leash.holding import Leashes
from koubou.leash.orders import Ended, Why

MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of our own, as systemd would delegate it."""
    for mount in MOUNTS:
        try:
            folder = Path(tempfile.mkdtemp(prefix="koubou-test-", dir=mount))
        except OSError:
            continue
        if not (folder / "cgroup.kill").exists():
            folder.rmdir()
            continue
        yield folder
        left = [path for path in folder.iterdir() if path.is_dir()]
        for path in left:
            path.rmdir()
        folder.rmdir()
        assert left == []
        return
    pytest.skip("no version 2 control group can be made here: needs root, or Delegate=yes")


def run(folder: Path, group: Path, behaviour: str, **bounds: int) -> Ended:
    return asyncio.run(
        Leashes(control_group=str(group)).run(a_command(folder, behaviour), limits(**bounds), has_result)
    )


def test_a_run_in_a_group_ends_with_it(tmp_path: Path, group: Path) -> None:
    roll = Roll(tmp_path)
    ended = run(tmp_path, group, "hopper", wall=1_500)
    assert roll.signed
    assert roll.alive() == []
    assert ended.why is Why.WALL


def test_the_command_is_in_the_group_and_the_leash_is_not(tmp_path: Path, group: Path) -> None:
    roll = Roll(tmp_path)

    async def look() -> list[set[int]]:
        leashes = Leashes(control_group=str(group))
        running = asyncio.ensure_future(leashes.run(a_command(tmp_path, "sleeper"), limits(), has_result))
        while not roll.signed:
            await asyncio.sleep(0.01)
        [leash] = [child for child in psutil.Process().children() if "koubou/leash" in " ".join(child.cmdline())]
        members = set(map(int, (group / f"koubou-run-{leash.pid}" / "cgroup.procs").read_text().split()))
        running.cancel()
        await asyncio.wait([running])
        return [members, {pid for pid, _ in roll.signed}, {leash.pid}]

    members, signed, leash = asyncio.run(look())
    assert members == signed
    assert not members & leash


def test_the_group_of_a_killed_leash_is_ended_and_taken_away(tmp_path: Path, group: Path) -> None:
    roll = Roll(tmp_path)
    # This process is no subreaper, so what the killed leash has left went elsewhere: the mark and the group find it.
    assert run(tmp_path, group, "rebel").why is Why.LOST
    roll.nobody_soon()


def test_without_a_group_the_walk_does(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    ended = asyncio.run(
        Leashes(control_group="/no/such/group").run(a_command(tmp_path, "daemon"), limits(), has_result)
    )
    assert ended.succeeded
    assert roll.alive() == []


def test_what_was_not_delegated_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_path: str, _name: str) -> bytes:
        raise OSError

    monkeypatch.setattr(os, "getxattr", none)
    assert cgroup.delegated() is None
