"""The mark of a run in the environment of its processes: how those are found that nobody holds any more.

`KOUBOU_RUN=<task>/<run>/<worker>@<home>`. A process may wipe its environment, so this is the second net: the first is
that orphans come to the next subreaper above them.
"""

from __future__ import annotations

import os

from koubou.leash.tree import Process, all_processes, look

NAME = "KOUBOU_RUN"


def mark_of(home: str, worker: str, task: str, run: int) -> str:
    """The mark of a run that this worker carries out in this workshop."""
    return f"{task}/{run}/{worker}@{os.path.realpath(home)}"


def of_workshop(home: str) -> bytes:
    """How every mark of this workshop ends."""
    return b"@" + os.fsencode(os.path.realpath(home))


def of_worker(home: str, worker: str) -> bytes:
    """How every mark of this worker ends; its name is never used again."""
    return b"/" + worker.encode() + of_workshop(home)


def marked(ending: bytes) -> list[Process]:
    """The living processes of our user, but ourselves, whose mark ends so."""
    user, here = os.geteuid(), os.getpid()
    found = []
    for pid in all_processes():
        if pid != here and _of_user(pid, user) and (given := _mark(pid)) is not None and given.endswith(ending):
            process = look(pid)
            if process is not None and process.alive:
                found.append(process)
    return found


def _of_user(pid: int, user: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == user
    except OSError:
        return False


def _mark(pid: int) -> bytes | None:
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            parts = []
            while part := file.read():
                parts.append(part)
    except OSError:
        return None
    start = NAME.encode() + b"="
    for entry in b"".join(parts).split(b"\0"):
        if entry.startswith(start):
            return entry.removeprefix(start)
    return None
