"""What it costs to choose who gets 64 places of a tier, where many wait and some of them have their share.

    python benchmarks/queue.py [--tasks N]

Prints JSON; milliseconds, the middle of some rounds.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from koubou.board import Board, open_in_memory
from koubou.rules.fairness import Standing, deal
from tests.builders import NOW, a_new_task

PLACES, FREE, ROUNDS = 128, 64, 9
ALICE, BOB = 1000, 1001
Waits = Iterator[tuple[int, str | None]]


def crowd(count: int) -> Waits:
    """All of one submitter, without sessions."""
    return ((ALICE, None) for _ in range(count))


def crowd_and_one(count: int) -> Waits:
    """The same, and behind them somebody else."""
    yield from crowd(count)
    yield from ((BOB, None) for _ in range(100))


def many_sessions(count: int) -> Waits:
    """5,000 sessions of one submitter."""
    return ((ALICE, f"s{number % 5_000}") for number in range(count))


def many_owners(count: int) -> Waits:
    """100 submitters."""
    return ((ALICE + number % 100, None) for number in range(count))


def big_session_first(count: int) -> Waits:
    """A session that has its half stands before thousands of others."""
    yield from ((ALICE, "big") for _ in range(count))
    yield from ((ALICE, f"s{number}") for number in range(5_000))


def board_with(waits: Waits, at_work: tuple[int, str | None]) -> Board:
    """They wait for a place in `medium`, and half of its places are taken."""
    board = Board(open_in_memory())
    with board.transaction():
        for number, (owner, session) in enumerate(waits):
            board.tasks.insert(a_new_task(f"t{number}", owner=owner, session=session), NOW + number)
        for number in range(PLACES - FREE):
            board.tasks.insert(a_new_task(f"w{number}", owner=at_work[0], session=at_work[1]), NOW)
        board.connection.execute("UPDATE task SET waiting = 'admit', tier = 'medium' WHERE id GLOB 't*'")
        board.connection.execute("UPDATE task SET waiting = 'run', status = 'in_progress' WHERE id GLOB 'w*'")
        board.connection.execute(
            "INSERT INTO run (task, number, tier, worker, call, cap, timeout, admitted_at) "
            "SELECT seq, 1, 'medium', 'w', id, 9, 9, 0 FROM task WHERE id GLOB 'w*'"
        )
    return board


def choose(board: Board) -> int:
    """As the step does it; how many it chose."""
    queue = board.queue
    owners, sessions = queue.waiting_owners("medium", PLACES + 1), queue.waiting_sessions("medium", PLACES + 1)
    if len(owners) < 2 and not sessions:
        return len(board.tasks.due_for_tier("medium", FREE))
    standing = Standing(places=PLACES, waiting_owners=owners, waiting_sessions=sessions, at_work=queue.taken("medium"))
    return len([board.tasks.at(one.seq) for one in deal(standing, FREE, lambda wish: queue.ripest("medium", wish))])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20_000)
    count = parser.parse_args().tasks
    found: dict[str, float] = {}
    for waits, at_work in (
        (crowd, (ALICE, None)),
        (crowd_and_one, (ALICE, None)),
        (many_sessions, (ALICE, None)),
        (many_owners, (ALICE, None)),
        (big_session_first, (ALICE, "big")),
    ):
        board = board_with(waits(count), at_work)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            assert choose(board) == FREE
            times.append((time.perf_counter() - began) * 1000)
        found[f"{waits.__name__}_ms"] = round(statistics.median(times), 2)
        board.close()
    print(json.dumps({"tasks": count, "sqlite": sqlite3.sqlite_version, **found}))


if __name__ == "__main__":
    main()
