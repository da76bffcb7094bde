"""How fast the road is: from a dropped file to a filed answer, without the time that a model takes. Prints JSON.

    .venv/bin/python benchmarks/road.py [--quick] [--only NAME …]

Everything is measured from outside, as a user would: renames into tasks/, files that appear, the board's views, the
command line. Nobody else should use the machine meanwhile.

An ext4 without a journal, as some virtual machines have, passes over every inode of a block group that was freed in the
last minutes when it makes a file there: after some thousand deletions a new file costs 800 µs and not 25. So each home
is put into a block group of its own where the file system knows how, and nothing is deleted before the end;
create_and_rename_us tells how it went, and `--under` names a folder on another disk.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from workshop import KOUBOU, Workshop

TARGETS: Mapping[str, float] = {
    "tasks_per_second": 500,
    "latency_p50_ms": 10,
    "files_taken_in_per_second": 3_000,
    "peak_memory_mb": 200,
    "idle_cpu_percent": 1,
    "help_ms": 150,
    "status_ms": 250,
}
# linux/fs.h: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL
GET_FLAGS, SET_FLAGS, TOP_OF_DIRECTORIES = 0x80086601, 0x40086602, 0x00020000
NEVER = "2100-01-01T00:00:00Z"

Result = dict[str, float]


@contextmanager
def a_workshop(under: Path) -> Iterator[Workshop]:
    """A running workshop whose one tier answers at once, without a model."""
    tier = {
        "reach": "local",
        "executor": "rehearsal",
        "price": {"input": 0, "output": 0},
        "workers": {"min": 1, "max": 1},
        "concurrency": 64,
    }
    routing = dict.fromkeys(("high", "medium", "low"), "rehearsal")
    intake = {"max_pending": 1_000_000}
    with Workshop(None, under, tiers={"rehearsal": tier}, routing=routing, intake=intake) as workshop:
        workshop.start()
        warm_up(workshop)
        yield workshop


def warm_up(workshop: Workshop) -> None:
    """Have the worker started and everything imported."""
    for number in range(5):
        workshop.drop(f"warm-{number}.yaml", f"id: warm-{number}\nprompt: Warm up\n")
        workshop.output(f"warm-{number}")


class Memory:
    """The peak of what a workshop's processes hold together (PSS), sampled while the block runs."""

    def __init__(self, workshop: Workshop, every: float = 0.1) -> None:
        self.peak = 0
        self._root = psutil.Process(workshop.process.pid if workshop.process else 0)
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.peak = max(self.peak, sum(map(share, family(self._root))))

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def family(root: psutil.Process) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def share(process: psutil.Process) -> int:
    """The memory of a process in bytes, with what it shares counted in part."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def seconds(process: psutil.Process) -> float:
    """The processor time that a process has used."""
    try:
        used = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system)


def throughput(scale: float, under: Path) -> Result:
    """Tasks per second from the first rename to the last filed answer, and the peak of memory meanwhile."""
    count = round(1_000 * scale)
    with a_workshop(under) as workshop, Memory(workshop) as memory:
        files = {f"t{n}.yaml": f"id: t{n}\nprompt: Say the number {n}.\n" for n in range(count)}
        completed = workshop.home / "tasks" / "completed"
        began = time.perf_counter()
        workshop.drop_all(files)
        dropped = time.perf_counter()
        workshop.wait_until(lambda: len(os.listdir(completed)) >= count + 5, "all to be filed", within=300)
        workshop.wait_until(lambda: len(workshop.completed) >= count + 5, "all answers", within=60)
        took = time.perf_counter() - began
    return {
        "tasks": count,
        "tasks_per_second": count / took,
        "dropping_them_took_s": dropped - began,
        "peak_memory_mb": memory.peak / 1e6,
    }


def latency(scale: float, under: Path) -> Result:
    """Milliseconds from a rename to output.json in completed/, one task at a time."""
    waits: list[float] = []
    with a_workshop(under) as workshop:
        for number in range(round(100 * scale)):
            answer = workshop.home / "tasks" / "completed" / f"t{number}" / "output.json"
            draft = workshop.home / "tasks" / ".draft.tmp"
            draft.write_text(f"id: t{number}\nprompt: Say the number {number}.\n")
            began = time.perf_counter()
            draft.rename(workshop.home / "tasks" / f"t{number}.yaml")
            while not answer.exists():
                if time.perf_counter() - began > 30:
                    raise TimeoutError(f"no answer within 30 s\n{workshop.told()}")
                time.sleep(0.0003)
            waits.append(1000 * (time.perf_counter() - began))
            # The next one meets a workshop at rest.
            time.sleep(0.03)
    waits.sort()
    return {
        "tasks": len(waits),
        "latency_p50_ms": statistics.median(waits),
        "latency_p99_ms": waits[min(len(waits) - 1, round(0.99 * len(waits)))],
        "latency_max_ms": waits[-1],
    }


def intake(scale: float, under: Path) -> Result:
    """Files per second from the first rename until all are on the board, where they wait for a far day."""
    count = round(20_000 * scale)
    with a_workshop(under) as workshop, Memory(workshop, every=0.3) as memory:
        files = {f"t{n}.yaml": f"prompt: Say the number {n}.\nnot_before: {NEVER}\n" for n in range(count)}
        for name, content in files.items():
            (workshop.folder / name).write_text(content)
        began = time.perf_counter()
        for name in files:
            os.rename(workshop.folder / name, workshop.home / "tasks" / name)
        dropped = time.perf_counter()
        workshop.wait_until(lambda: tasks_known(workshop) >= count + 5, "all on the board", within=300, every=0.1)
        took = time.perf_counter() - began
    return {
        "files": count,
        "files_taken_in_per_second": count / took,
        "dropping_them_took_s": dropped - began,
        "peak_memory_with_many_waiting_mb": memory.peak / 1e6,
    }


def tasks_known(workshop: Workshop) -> int:
    """How many tasks the board has."""
    return int(workshop.sql("SELECT COUNT(*) FROM task_master")[0][0])


def idle(scale: float, under: Path) -> Result:
    """Percent of one core that a workshop with nothing to do uses."""
    over = 30 * scale
    with a_workshop(under) as workshop:
        time.sleep(2)
        root = psutil.Process(workshop.process.pid if workshop.process else 0)
        before = sum(map(seconds, family(root)))
        time.sleep(over)
        used = sum(map(seconds, family(root))) - before
        memory = sum(map(share, family(root)))
    return {"seconds": over, "idle_cpu_percent": 100 * used / over, "idle_memory_mb": memory / 1e6}


def command_line(scale: float, under: Path) -> Result:
    """Wall time of `koubou --help`, and of reading verbs on a board of 100,000 tasks; the median of nine."""
    files, documents = round(1_000 * scale), 100
    with a_workshop(under) as workshop:
        content = "---\n".join(f"prompt: Say the number {n}.\nnot_before: {NEVER}\n" for n in range(documents))
        for number in range(files):
            workshop.drop(f"many-{number}.yaml", content)
        wanted = files * documents + 5
        workshop.wait_until(lambda: tasks_known(workshop) >= wanted, "the board to fill", within=600, every=0.5)
        verbs: Mapping[str, tuple[str, ...]] = {
            "help": ("--help",),
            "status": ("status",),
            "status_json": ("status", "--json"),
            "show": ("show", "warm-0"),
            "list": ("list",),
        }
        times = {f"{name}_ms": wall_time(workshop, words) for name, words in verbs.items()}
    return {"tasks_on_the_board": wanted, **times}


def wall_time(workshop: Workshop, words: tuple[str, ...]) -> float:
    """Milliseconds from start to end of a command, the median of nine."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        subprocess.run(
            [KOUBOU, *words], env=workshop.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
        )
        times.append(1000 * (time.perf_counter() - began))
    # The first one warms the caches.
    return statistics.median(times[1:])


def spread(folder: Path) -> None:
    """Have the file system put what is made in this folder far apart, as it does at the top of a disk: `chattr +T`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = int.from_bytes(fcntl.ioctl(descriptor, GET_FLAGS, bytes(8)), sys.byteorder)
        fcntl.ioctl(descriptor, SET_FLAGS, (flags | TOP_OF_DIRECTORIES).to_bytes(8, sys.byteorder))
    except OSError:
        return  # a file system that has no such thing, and no need of it
    finally:
        os.close(descriptor)


def yardstick(under: Path) -> Result:
    """What the disk and one core do alone, before and after: figures of two runs compare only where these do."""
    folder = tempfile.mkdtemp(prefix="yardstick-", dir=under)
    began = time.perf_counter()
    for number in range(200):
        descriptor = os.open(f"{folder}/{number}", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"x" * 500)
        os.fsync(descriptor)
        os.close(descriptor)
    synced = time.perf_counter() - began
    began = time.perf_counter()
    for number in range(2_000):
        with open(f"{folder}/n{number}", "wb") as file:
            file.write(b"x")
        os.rename(f"{folder}/n{number}", f"{folder}/m{number}")
    made = time.perf_counter() - began
    began = time.perf_counter()
    sum(range(5_000_000))
    return {
        "write_and_fsync_ms": 1000 * synced / 200,
        "create_and_rename_us": 1e6 * made / 2_000,
        "five_million_additions_ms": 1000 * (time.perf_counter() - began),
    }


MEASUREMENTS: Mapping[str, Callable[[float, Path], Result]] = {
    "throughput": throughput,
    "latency": latency,
    "intake": intake,
    "idle": idle,
    "command_line": command_line,
}


def rounded(result: Result) -> Result:
    """Figures as they are read."""
    return {key: round(value, 3) for key, value in result.items()}


def measured(names: Sequence[str], scale: float, under: Path) -> dict[str, Any]:
    """The report."""
    report: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total >> 20} MB, {platform.platform()}",
        "python": platform.python_version(),
        "scale": scale,
        "yardstick_before": rounded(yardstick(under)),
    }
    for name in names:
        print(f"{name} …", file=sys.stderr)
        report[name] = rounded(MEASUREMENTS[name](scale, under))
    report["yardstick_after"] = rounded(yardstick(under))
    found = {key: value for name in names for key, value in report[name].items()}
    report["missed"] = [
        f"{key}: {found[key]} (target {target:g})"
        for key, target in TARGETS.items()
        if key in found and (found[key] < target if "per_second" in key else found[key] > target)
    ]
    return report


def main() -> int:
    """Measure and print; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it works")
    parser.add_argument(
        "--under", type=Path, help="where the homes are made; a short path (default: /tmp)", default="/tmp"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kb-", dir=options.under) as under:
        spread(Path(under))
        report = measured(options.only, 0.1 if options.quick else 1.0, Path(under))
    print(json.dumps(report, indent=2))
    return 1 if report["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
