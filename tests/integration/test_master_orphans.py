"""What the master makes of a worker that has ended, before and while it leaves itself."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest
from nurseries import a_nursery

from koubou.journal import Journal
from koubou.leash import adopted
from koubou.master.child import Child
from koubou.master.children import Children
from koubou.master.nursery import Nursery
from koubou.master.orphans import Orphans
from koubou.wire.framing import FROM_HAND


def test_a_worker_is_accounted_for_once_nothing_of_it_is_left(tmp_path: Path) -> None:
    told: list[str] = []

    async def end() -> None:
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()), Children())
        over = asyncio.Event()
        orphans.end("a-worker", then=lambda: (told.append("a-worker"), over.set()))
        assert orphans.busy
        await asyncio.wait_for(over.wait(), 10)
        assert not orphans.busy

    asyncio.run(end())
    assert told == ["a-worker"]


def test_a_master_that_leaves_meanwhile_leaves_that_to_the_next_one(tmp_path: Path) -> None:
    told: list[str] = []

    async def leave() -> None:
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()), Children())
        orphans.end("a-worker", then=lambda: told.append("a-worker"))

    asyncio.run(leave())
    assert told == [], "its board is closed by then"


@pytest.mark.parametrize("forked", [False, True])
def test_whoever_the_master_has_started_is_no_orphan_from_his_first_moment_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    monkeypatch.setattr(adopted, "is_subreaper", lambda: True)
    ends: list[int] = []

    async def look_and_start(nursery: Nursery | None) -> None:
        children = Children()
        if nursery is not None:
            children.are_forked_by(nursery)
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()), children)

        async def start() -> Child:
            return await Child.start(
                "koubou.hands", ("shelving",), (), FROM_HAND, children=children, heard=lambda _: None, gone=ends.append
            )

        own = [await start() for _ in range(5)]  # these may wait for what is still loaded
        stranger = subprocess.Popen(["sleep", "60"])
        over = asyncio.Event()
        orphans.end("a-worker", then=over.set)
        while not over.is_set():
            own.append(await start())
        assert stranger.wait(10) == -signal.SIGKILL
        assert len(own) > 8
        for each in own:
            each.hang_up()
        while len(ends) < len(own):
            await asyncio.sleep(0.01)

    with a_nursery() if forked else nullcontext() as nursery:
        asyncio.run(asyncio.wait_for(look_and_start(nursery), 60))
    assert set(ends) == {0}
