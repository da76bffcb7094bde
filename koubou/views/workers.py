"""Who is at work, and what each uses of the machine, in the shape of `koubou workers --json`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil
from msgspec.structs import replace

from koubou.board.reading import Reading, Seen
from koubou.views.shapes import worker_shape
from koubou.views.workshop import Workshop

_MEASURED_FOR = 0.1


def seen_now(workshop: Workshop, board: Reading, *, everybody: bool) -> list[Seen]:
    """The crew; with everybody also those that ended within the last day."""
    seen = [worker for worker in board.workers() if everybody or worker.ended_at is None]
    if workshop.served:
        return seen
    # Nobody outlives the master by more than seconds, and nobody notes on the board that he is gone.
    return [replace(worker, status="offline") for worker in seen]


def workers_shape(seen: Sequence[Seen], uses: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each of them with what it uses (`measured`)."""
    return [{**worker_shape(worker), **uses[worker.id]} for worker in seen]


def measured(seen: Sequence[Seen]) -> dict[str, dict[str, Any]]:
    """Percent of one core over a tenth of a second, and resident memory; None of those that are gone."""
    alive: dict[str, psutil.Process] = {}
    for worker in seen:
        if worker.ended_at is None:
            with suppress(psutil.Error):
                process = psutil.Process(worker.pid)
                if any("koubou.worker" in word for word in process.cmdline()):
                    process.cpu_percent()
                    alive[worker.id] = process
    if alive:
        time.sleep(_MEASURED_FOR)
    found: dict[str, dict[str, Any]] = {}
    for worker in seen:
        found[worker.id] = {"cpu_percent": None, "memory_bytes": None, "started_at": None}
        with suppress(psutil.Error, KeyError):
            process = alive[worker.id]
            found[worker.id] = {
                "cpu_percent": process.cpu_percent(),
                "memory_bytes": process.memory_info().rss,
                "started_at": process.create_time(),
            }
    return found
