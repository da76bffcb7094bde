"""How soon a workshop is at work again after kill -9 of its master, with many tasks waiting and calls under way. JSON.

    .venv/bin/python benchmarks/recovery.py [--quick] [--only NAME …] [--under FOLDER]

Two deaths: in `calls_that_end` the calls under way are answered while the old workers may still finish them, in
`calls_that_hang` they never are. A new master is launched at once, as systemd does without RestartSec; all times are
from the kill, and what they stand for is seen from outside: at the provider, in the board's history, in /proc. Most of
it is Python's start, twice: on a busy machine `chrt -r 1` before the command shows what an idle one would do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from road import Result, rounded, spread, yardstick
from simulator import Simulator
from workshop import Workshop, a_tier

TARGETS: Mapping[str, float] = {"first_dispatch_s": 2.0, "first_call_s": 2.0, "old_crew_gone_s": 12.5}
WORKERS, PLACES_EACH = 2, 100
DOCUMENTS_A_FILE = 100


def a_death(scale: float, under: Path, *, answered_after: float | None) -> Result:
    """Kill the master at work; the calls under way are answered so many seconds later, or never."""
    in_flight = WORKERS * PLACES_EACH
    pending = max(DOCUMENTS_A_FILE, round(10_000 * scale))
    with Simulator() as provider:
        provider.behave(stalled=True)
        crew = {"min": 0, "max": WORKERS}
        tier = a_tier(provider, "cloud", "gpt-5", workers=crew, concurrency=PLACES_EACH, timeout="10m")
        routing = dict.fromkeys(("high", "medium", "low"), "cloud")
        with Workshop(provider, under, tiers={"cloud": tier}, routing=routing) as workshop:
            workshop.start()
            fill(workshop, pending + in_flight)
            workshop.wait_until(lambda: provider.bill()["in_flight"] == in_flight, "the calls", within=120, every=0.1)
            result = measured_death(workshop, provider, answered_after)
            provider.behave(stalled=False)
            workshop.signal(signal.SIGTERM)
            workshop.exit_code(60)
            result |= {"pending": pending, "in_flight": in_flight}
    return result


def fill(workshop: Workshop, count: int) -> None:
    """Drop so many tasks and wait until all are on the board."""
    for first in range(0, count, DOCUMENTS_A_FILE):
        tasks = range(first, min(first + DOCUMENTS_A_FILE, count))
        workshop.drop(f"{first}.yaml", "---\n".join(f"id: t{n}\nprompt: Say the number {n}.\n" for n in tasks))
    known = "SELECT COUNT(*) FROM task WHERE waiting IN ('admit', 'run')"
    workshop.wait_until(lambda: workshop.sql(known)[0][0] == count, "all on the board", within=300, every=0.2)


def measured_death(workshop: Workshop, provider: Simulator, answered_after: float | None) -> Result:
    """Kill and launch, and see what comes when."""
    old = old_crew(workshop)
    master = workshop.process
    assert master is not None
    killed_at, began = time.time(), time.monotonic()
    master.kill()
    master.wait()
    workshop.launch()
    found: Result = {}
    open_runs = f"SELECT COUNT(*) FROM run WHERE ended_at IS NULL AND worker IN ({', '.join('?' * len(old))})"
    facts: dict[str, Callable[[], bool]] = {
        "ready_s": lambda: any(workshop.events("system.ready")),
        "first_call_s": lambda: any(each["at"] > killed_at for each in provider.requests()[-2 * PLACES_EACH :]),
        "old_crew_gone_s": lambda: not any(works(process) for process in old.values()),
        "old_runs_accounted_for_s": lambda: workshop.sql(open_runs, *old)[0][0] == 0,
    }
    while facts:
        passed = time.monotonic() - began
        if passed > 60:
            raise TimeoutError(f"not within 60 s: {', '.join(facts)}\n{workshop.told()}")
        if answered_after is not None and passed > answered_after:
            provider.behave(stalled=False)
        for name in [name for name, fact in facts.items() if fact()]:
            found[name] = time.monotonic() - began
            del facts[name]
        time.sleep(0.01)
    found["first_call_s"] = min(e["at"] for e in provider.requests() if e["at"] > killed_at) - killed_at
    query = "SELECT MIN(at) FROM history WHERE event = 'task.admitted' AND at >= ?"
    found["first_dispatch_s"] = workshop.sql(query, int(killed_at * 1000))[0][0] / 1000 - killed_at
    return found


def old_crew(workshop: Workshop) -> dict[str, psutil.Process]:
    """The workers as they are now."""
    return {worker["worker"]: psutil.Process(worker["pid"]) for worker in workshop.status()["workers"]}


def works(process: psutil.Process) -> bool:
    """Whether it has not ended; whoever is its parent now may take its time to notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def calls_that_end(scale: float, under: Path) -> Result:
    """The provider answers after a second: the old workers leave records, which count."""
    return a_death(scale, under, answered_after=1.0)


def calls_that_hang(scale: float, under: Path) -> Result:
    """The provider does not answer: the old workers give up after `workers.orphan_grace`."""
    return a_death(scale, under, answered_after=None)


DEATHS: Mapping[str, Callable[[float, Path], Result]] = {
    "calls_that_end": calls_that_end,
    "calls_that_hang": calls_that_hang,
}


def main() -> int:
    """Measure and print; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=DEATHS, default=list(DEATHS), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="a tenth of the pending tasks, to see that it works")
    parser.add_argument(
        "--under", type=Path, help="where the homes are made; a short path (default: /tmp)", default="/tmp"
    )
    options = parser.parse_args()
    report: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 20} MB, {platform.platform()}",
        "python": platform.python_version(),
        "missed": [],
    }
    with tempfile.TemporaryDirectory(prefix="kb-", dir=options.under) as under:
        spread(Path(under))
        report["yardstick"] = rounded(yardstick(Path(under)))
        for name in options.only:
            print(f"{name} …", file=sys.stderr)
            report[name] = rounded(DEATHS[name](0.1 if options.quick else 1.0, Path(under)))
            report["missed"] += [
                f"{name}: {key} {report[name][key]} (target {target:g})"
                for key, target in TARGETS.items()
                if report[name][key] > target
            ]
    print(json.dumps(report, indent=2))
    return 1 if report["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
