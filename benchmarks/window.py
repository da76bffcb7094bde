"""What the window costs and how soon it answers. Run by hand on a quiet machine; prints JSON.

`listing`  10,000 tasks on the board: a page of 100, and all 10,000 at once
`status`   /api/v1/status while 200 tasks run
`watchers` turns of a workshop that gets 20 tasks a second, with 100 watching clients and without
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.pop(1)  # this folder, which has a module `queue`

import psutil
from simulator import Simulator
from windows import KIM, opened
from workshop import Workshop, a_tier

from koubou.model.access import Role

_TASKS = 200
_WATCHERS = 100
_A_SECOND = 20
_ROUNDS = 5


def percentile(times: Sequence[float], share: float) -> float:
    """Milliseconds."""
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000, 1)


def timed(netloc: str, token: str, path: str, count: int) -> list[float]:
    """Seconds of each of so many requests over one connection."""
    connection, times = http.client.HTTPConnection(netloc, timeout=60), []
    for _ in range(count):
        began = time.perf_counter()
        connection.request("GET", f"/api/v1/{path}", None, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - began)
        assert response.status == 200, body
    connection.close()
    return times


def told(times: Sequence[float]) -> dict[str, float]:
    """The middle and the slow end."""
    return {"p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95)}


def listing() -> dict[str, Any]:
    """Ten thousand tasks."""
    with tempfile.TemporaryDirectory(prefix="kb-") as folder, opened(Path(folder)) as window:
        token = window.token(Role.OPERATOR)
        for number in range(10_000):
            window.task(f"task-{number:05}", KIM, title="A title of usual length for a task")
        netloc = f"127.0.0.1:{window.port}"
        return {
            "page_of_100": told(timed(netloc, token, "tasks?limit=100", 200)),
            "all_10000": told(timed(netloc, token, "tasks?limit=10000", 20)),
        }


@contextmanager
def served(provider: Simulator) -> Iterator[tuple[Workshop, str, str]]:
    """A workshop with its window, and a token."""
    tier = a_tier(provider, "house", "house-model", concurrency=64, workers={"min": 1, "max": 4})
    changes: dict[str, Any] = {"tiers": {"local": tier}, "routing": {}, "window": {"listen": "127.0.0.1:0"}}
    with Workshop(provider, **changes) as workshop:
        workshop.start()
        netloc = urlsplit(workshop.wait_for_event("window.open")["address"]).netloc
        token = workshop.koubou("token", "add", "bench", "--role", "operator").stdout.strip()
        yield workshop, netloc, token


def run_tasks(workshop: Workshop, name: str) -> float:
    """Seconds for two hundred tasks."""
    before = len(workshop.completed)
    began = time.perf_counter()
    workshop.drop_all({f"{name}-{number}.yaml": {"prompt": "short", "tier": "local"} for number in range(_TASKS)})
    workshop.wait_until(lambda: len(workshop.completed) - before >= _TASKS, "all are done", within=300)
    return time.perf_counter() - began


def status() -> dict[str, Any]:
    """How soon the status comes while tasks run."""
    with Simulator() as provider, served(provider) as (workshop, netloc, token):
        times: list[float] = []
        over = threading.Event()

        def asking() -> None:
            while not over.is_set():
                times.extend(timed(netloc, token, "status", 1))
                time.sleep(0.02)

        thread = threading.Thread(target=asking)
        thread.start()
        run_tasks(workshop, "status")
        over.set()
        thread.join()
        return {**told(times), "asked": len(times)}


def trickle(workshop: Workshop, name: str) -> None:
    """Two hundred tasks that come evenly, so that turns have as much to do with watchers as without."""
    before = len(workshop.completed)
    began = time.perf_counter()
    for number in range(_TASKS):
        workshop.drop(f"{name}-{number}.yaml", {"prompt": "short", "tier": "local"})
        time.sleep(max(0, began + (number + 1) / _A_SECOND - time.perf_counter()))
    workshop.wait_until(lambda: len(workshop.completed) - before >= _TASKS, "all are done", within=300)


def watchers() -> dict[str, Any]:
    """Tasks that come evenly, by turns without and with a hundred watchers: milliseconds of a turn, the master's work.

    The watchers are elsewhere, as far as one machine allows that: they leave the processor to the workshop.
    """
    with Simulator() as provider, served(provider) as (workshop, netloc, token):
        run_tasks(workshop, "warm")
        assert workshop.process is not None
        master = psutil.Process(workshop.process.pid)
        turns: dict[str, list[float]] = {"alone": [], "watched": []}
        work: dict[str, list[float]] = {"alone": [], "watched": []}
        told: list[int] = []
        for number in range(_ROUNDS):
            for name in turns:
                heard = multiprocessing.get_context("spawn").Value("q", 0)
                crowd = multiprocessing.get_context("spawn").Process(
                    target=watch, args=(netloc, token, heard), daemon=True
                )
                if name == "watched":
                    crowd.start()
                    time.sleep(2)  # until all of them are there
                before, used = turns_of(netloc, token), sum(master.cpu_times()[:2])
                trickle(workshop, f"{name}-{number}")
                after = turns_of(netloc, token)
                turns[name].append((after[0] - before[0]) / (after[1] - before[1]) * 1000)
                work[name].append((sum(master.cpu_times()[:2]) - used) / _TASKS * 1000)
                if name == "watched":
                    told.append(heard.value)
                    crowd.terminate()
                    crowd.join()
        return {
            **{f"turn_ms_{name}": [round(each, 3) for each in found] for name, found in turns.items()},
            **{f"master_ms_a_task_{name}": [round(each, 2) for each in found] for name, found in work.items()},
            "events_told": told,
            "turn_slower_percent": slower(turns),
            "master_slower_percent": slower(work),
        }


def slower(found: dict[str, list[float]]) -> float:
    """By how much the middle of one is above that of the other."""
    return round((statistics.median(found["watched"]) / statistics.median(found["alone"]) - 1) * 100, 1)


def turns_of(netloc: str, token: str) -> tuple[float, float]:
    """Seconds that all turns took so far, and how many there were."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    connection.request("GET", "/metrics", None, {"Authorization": f"Bearer {token}"})
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    said = dict(line.rsplit(" ", 1) for line in lines if line.startswith("koubou_turn_seconds_"))
    return float(said["koubou_turn_seconds_sum"]), float(said["koubou_turn_seconds_count"])


def watch(netloc: str, token: str, heard: Any) -> None:
    """A hundred clients that read events as fast as they come, in a process of their own; how many events in all."""
    os.nice(19)

    async def one() -> None:
        host, _, port = netloc.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        while said := await reader.read(65536):
            heard.value += said.count(b"\nid: ")

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(_WATCHERS)))

    asyncio.run(all_of_them())


def main() -> None:
    parts = {"listing": listing, "status": status, "watchers": watchers}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], help="which; all when none is named")
    asked = parser.parse_args()
    print(json.dumps({name: parts[name]() for name in asked.parts or parts}, indent=1))


if __name__ == "__main__":
    main()
