"""A control group of its own for each run, where the system delegates one: ended in one act, whatever the tree did.

The walk through /proc is complete by itself; this is quicker against a tree that forks without end.
"""

from __future__ import annotations

import contextlib
import os

_MOUNT = "/sys/fs/cgroup"
_PREFIX = "koubou-run-"


def delegated() -> str | None:
    """Our own control group, if systemd has given it to us (Delegate=yes); the folder, or None."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            paths = [line.rstrip("\n")[3:] for line in file if line.startswith("0::")]
        folder = _MOUNT + paths[0]
        if os.getxattr(folder, "user.delegate") == b"1" and os.access(f"{folder}/cgroup.procs", os.W_OK):
            return folder
    except (OSError, IndexError):
        pass
    return None


def make(above: str, pid: int) -> str | None:
    """A group below this one for the leash of this number; None where that cannot be: the walk does without."""
    folder = f"{above}/{_PREFIX}{pid}"
    try:
        os.mkdir(folder)
        if os.access(f"{folder}/cgroup.kill", os.W_OK):
            return folder
        os.rmdir(folder)
    except OSError:
        pass
    return None


def kill(folder: str) -> None:
    """SIGKILL to everything in it."""
    try:
        descriptor = os.open(f"{folder}/cgroup.kill", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(descriptor, b"1")
    except OSError:
        pass
    finally:
        os.close(descriptor)


def remove(folder: str) -> None:
    """Take it away once it is empty, with what the command made below it."""
    for each, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(each)


def end_left(above: str, alive: set[int]) -> None:
    """Kill and take away the groups of leashes that are no more."""
    try:
        names = os.listdir(above)
    except OSError:
        return
    for name in names:
        number = name.removeprefix(_PREFIX)
        if name.startswith(_PREFIX) and number.isdecimal() and int(number) not in alive:
            kill(f"{above}/{name}")
            remove(f"{above}/{name}")
