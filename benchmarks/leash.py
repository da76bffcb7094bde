"""What a leash costs: the way from the order to the end of a command that does nothing, memory, and the end of a tree.

    python benchmarks/leash.py [--rounds N]

Prints JSON; times in milliseconds, the least and the middle of N rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from koubou.leash.holding import Leashes
from koubou.leash.orders import Command, Ended, Limits

TREE = "for n in $(seq {count}); do setsid sleep 60 & done; echo ready; wait"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "bare_popen_ms": times(rounds, lambda: subprocess.run(["/bin/true"], check=True)),
            "python_ms": times(rounds, lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)),
            "leashed_ms": asyncio.run(leashed(rounds, folder)),
            "tree_of_100_ended_ms": asyncio.run(tree_ended(folder, 100)),
            "leash_memory_kb": asyncio.run(memory(folder)),
        }
    print(json.dumps(found, indent=2))


def times(rounds: int, deed: Callable[[], object]) -> dict[str, float]:
    """How long it takes."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        deed()
        taken.append(time.perf_counter() - began)
    return told(taken)


def told(taken: list[float]) -> dict[str, float]:
    return {"least": round(min(taken) * 1000, 1), "middle": round(statistics.median(taken) * 1000, 1)}


async def leashed(rounds: int, folder: str) -> dict[str, float]:
    """From the order to the word that nothing is left."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        await run(a_command(folder, "/bin/true"), Limits(wall=10_000))
        taken.append(time.perf_counter() - began)
    return told(taken)


async def tree_ended(folder: str, count: int) -> float:
    """From the wish to end a tree of so many sessions to the word that nothing is left."""
    running = asyncio.ensure_future(
        run(a_command(folder, "sh", "-c", TREE.format(count=count)), Limits(wall=60_000, grace=0))
    )
    while b"ready" not in read(Path(folder) / "out"):
        await asyncio.sleep(0.02)
    began = time.perf_counter()
    running.cancel()
    await asyncio.wait([running])
    return round((time.perf_counter() - began) * 1000, 1)


async def memory(folder: str) -> int:
    """Of its own, not shared with other processes of this Python."""
    running = asyncio.ensure_future(run(a_command(folder, "sleep", "60"), Limits(wall=60_000)))
    await asyncio.sleep(1)
    [leash] = psutil.Process().children()
    own = leash.memory_full_info().uss // 1024
    running.cancel()
    await asyncio.wait([running])
    return int(own)


async def run(command: Command, limits: Limits) -> Ended:
    return await Leashes().run(command, limits, lambda _: False)


def a_command(folder: str, *argv: str) -> Command:
    return Command(
        argv=argv,
        environment={"PATH": "/usr/bin:/bin"},
        directory=folder,
        stdout=f"{folder}/out",
        stderr=f"{folder}/errors",
        mark=f"measured/1/bench@{folder}",
    )


def read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


if __name__ == "__main__":
    main()
