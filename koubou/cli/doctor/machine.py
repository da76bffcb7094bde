"""Whether the machine has what the workshop needs: Python, packages, SQLite, limits, a clock that can be believed."""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from importlib import metadata

from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient

MACHINE = Area("machine")
_FEWEST_FILES = 1024
_FEWEST_WATCHES = 1024
_FEWEST_INSTANCES = 16
# Releases that cannot lose committed pages when two connections write and checkpoint one write-ahead log at once
# (https://sqlite.org/wal.html, "The WAL-reset bug"); the back-ports by their series.
_SQLITE_MENDED = (3, 51, 3)
_SQLITE_BACKPORTS = {(3, 44): 6, (3, 50): 7}
_SKEW = 60.0


def python(patient: Patient) -> Iterator[Finding]:
    """Its version, and the packages that Koubou asks for."""
    del patient
    version = ".".join(map(str, sys.version_info[:3]))
    missing, old = [], []
    for requirement in metadata.requires("koubou") or ():
        name, least = _requirement(requirement)
        if "extra ==" in requirement:
            continue
        try:
            if _numbers(metadata.version(name)) < least:
                old.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing or old:
        says = "; ".join(f"{word}: {', '.join(names)}" for word, names in (("missing", missing), ("old", old)) if names)
        yield MACHINE.error("packages", says, f"{sys.executable} -m pip install --upgrade koubou")
    yield MACHINE.ok("python", f"{version} ({sys.executable}), koubou {metadata.version('koubou')}")


def sqlite(patient: Patient) -> Iterator[Finding]:
    """Whether the one rule of the board, that one process alone writes it, is the only thing that protects it."""
    del patient
    version = sqlite3.sqlite_version_info
    mended = version >= _SQLITE_MENDED or version[2] >= _SQLITE_BACKPORTS.get(version[:2], sys.maxsize)
    if mended:
        yield MACHINE.ok("sqlite", sqlite3.sqlite_version)
    else:
        says = f"{sqlite3.sqlite_version} can lose what was committed when two processes write one file"
        yield MACHINE.note("sqlite", says, "the master alone writes the board; never open it for writing beside it")


def limits(patient: Patient) -> Iterator[Finding]:
    """Open files of the master (or of this process), and what inotify allows."""
    files = _open_files(patient.master.pid)
    if files < _FEWEST_FILES:
        yield MACHINE.warning("open files", f"at most {files}", "LimitNOFILE=65536 in the unit, or ulimit -n 65536")
    else:
        yield MACHINE.ok("open files", f"at most {files:,}")
    instances, watches = _inotify("max_user_instances"), _inotify("max_user_watches")
    if instances < _FEWEST_INSTANCES or watches < _FEWEST_WATCHES:
        says = f"{instances} instances, {watches} watches: new files may be seen only by the scan every few seconds"
        yield MACHINE.warning(
            "inotify", says, "sysctl fs.inotify.max_user_instances=128 fs.inotify.max_user_watches=65536"
        )
    else:
        yield MACHINE.ok("inotify", f"{instances:,} instances, {watches:,} watches")


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether the time of day has gone back behind what the board was written at; servers are asked elsewhere."""
    ahead = 0.0
    for path in (f"{patient.layout.board}/koubou.db", f"{patient.layout.board}/koubou.db-wal", patient.layout.tasks):
        try:
            ahead = max(ahead, os.stat(path).st_mtime - time.time())
        except OSError:
            continue
    if ahead > _SKEW:
        says = f"the board was written {ahead:,.0f} s after what this machine takes for now"
        yield MACHINE.warning("clock", says, "set the clock (timedatectl set-ntp true); windows of money follow it")
    else:
        yield MACHINE.ok("clock", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def time_zone(patient: Patient) -> Iterator[Finding]:
    """Where months and days begin, and whether that is where the machine thinks it is."""
    if patient.settings is None:
        return
    zone, offset = patient.settings.budget.timezone, time.strftime("%z")
    from datetime import datetime
    from zoneinfo import ZoneInfo

    there = datetime.now(ZoneInfo(zone)).strftime("%z")
    if there == offset:
        yield MACHINE.ok("time zone", f"months and days of money begin in {zone}")
    else:
        says = f"months and days of money begin in {zone}, and this machine's clock shows another zone ({offset})"
        yield MACHINE.note("time zone", says, "budget.timezone, if people expect their own midnight")


CHECKS: tuple[Check, ...] = (python, sqlite, limits, clock, time_zone)


def _requirement(text: str) -> tuple[str, tuple[int, ...]]:
    """The name, and the least version, of a requirement such as `openai<4,>=3.50`."""
    name = re.match(r"[A-Za-z0-9._-]+", text)
    least = re.search(r">=\s*([\d.]+)", text)
    return (name.group() if name else text), _numbers(least.group(1)) if least else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _open_files(pid: int | None) -> int:
    try:
        with open(f"/proc/{pid or 'self'}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max open files"))
        soft = line.split()[3]
        return sys.maxsize if soft == "unlimited" else int(soft)
    except (OSError, StopIteration, ValueError):
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _inotify(name: str) -> int:
    with open(f"/proc/sys/fs/inotify/{name}", encoding="ascii") as file:
        return int(file.read())
