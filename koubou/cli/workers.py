"""koubou workers: who is at work, since when, and what each uses of the machine."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser


def declare(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that ended within the last day, and why")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    parser.examples("koubou workers", "koubou workers --all --json")


def run(arguments: argparse.Namespace) -> int:
    from koubou.cli import say
    from koubou.cli.table import print_table
    from koubou.cli.workshop import workshop_of
    from koubou.views.workers import measured, seen_now, workers_shape

    workshop = workshop_of(arguments)
    with workshop.reading() as board:
        seen = seen_now(workshop, board, everybody=arguments.all)
    uses = measured(seen)
    if arguments.json:
        say.print_json(workers_shape(seen, uses))
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
