"""What the master makes of a worker that has ended, before and while it leaves itself."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from koubou.journal import Journal
from koubou.master.orphans import Orphans


def test_a_worker_is_accounted_for_once_nothing_of_it_is_left(tmp_path: Path) -> None:
    told: list[str] = []

    async def end() -> None:
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()))
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
        orphans = Orphans(str(tmp_path), Journal(stream=io.StringIO()))
        orphans.end("a-worker", then=lambda: told.append("a-worker"))

    asyncio.run(leave())
    assert told == [], "its board is closed by then"
