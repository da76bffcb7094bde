"""koubou workers: who is at work, since when, and what each uses of the machine."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from koubou.cli.parser import Parser

if TYPE_CHECKING:
    from koubou.board.reading import Seen

_MEASURED_FOR = 0.1


def declare(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that ended within the last day, and why")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou workers", "koubou workers --all --json")


def run(arguments: argparse.Namespace) -> int:
    from msgspec.structs import replace

    from koubou.cli import say
    from koubou.cli.shapes import worker_shape
    from koubou.cli.table import print_table
    from koubou.cli.workshop import workshop_of

    workshop = workshop_of(arguments)
    with workshop.reading() as board:
        seen = [worker for worker in board.workers() if arguments.all or worker.ended_at is None]
    if not workshop.served:
        # Nobody outlives the master by more than seconds, and nobody notes on the board that he is gone.
        seen = [replace(worker, status="offline") for worker in seen]
    uses = _measured(seen)
    if arguments.json:
        say.print_json([{**worker_shape(worker), **uses[worker.id]} for worker in seen])
        return 0
    if not seen:
        print("Nobody is at work; workers are started when there is something to do.")
        return 0
    now = say.now()
    heads = ("WORKER", "TIER", "PID", "STATUS", "RUNNING", "CPU", "MEMORY", "UP", "BEAT")
    rows = []
    for worker in seen:
        use = uses[worker.id]
        cpu = "–" if use["cpu_percent"] is None else f"{use['cpu_percent']:.0f} %"
        memory = "–" if use["memory_bytes"] is None else f"{use['memory_bytes'] / 1e6:.0f} MB"
        status = worker.status if worker.ended_at is None else f"ended: {say.one_line(worker.end_reason or '')}"
        up = say.lasting((worker.ended_at or now) - worker.created_at)
        beat = say.lasting(now - worker.last_beat) if worker.ended_at is None else "–"
        rows.append((worker.id, worker.tier, str(worker.pid), status, str(worker.running), cpu, memory, up, beat))
    print_table(heads, rows, right=("PID", "RUNNING", "CPU", "MEMORY", "UP", "BEAT"))
    return 0


def _measured(seen: list[Seen]) -> dict[str, dict[str, Any]]:
    """Percent of one core over a tenth of a second, and resident memory; None of those that are gone."""
    import time

    import psutil

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
