"""Our descendants as the kernel tells of them, also those that called setsid; ending them, and reaping.

Whoever loses its parent below a subreaper becomes its child. So a subreaper without children has no descendants: that,
and not a walk of /proc, is the proof that nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """A process at one moment. `born` (clock ticks since boot) together with `pid` is its identity until a reboot."""

    __slots__ = ("born", "group", "name", "parent", "pid", "rss", "session", "state")

    def __init__(self, pid: int, stat: bytes) -> None:
        head, _, tail = stat.rpartition(b")")
        fields = tail.split()
        self.pid = pid
        self.name = head.partition(b"(")[2].decode("utf-8", "replace")
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.born = int(fields[19])
        self.rss = int(fields[21]) * _PAGE

    @property
    def alive(self) -> bool:
        """Whether it still is more than an entry that waits to be reaped."""
        return self.state not in "ZX"


def look(pid: int) -> Process | None:
    """The process of this number, a zombie too; None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return Process(pid, file.read())
    except (OSError, ValueError, IndexError):
        return None


def descendants(root: int | None = None) -> list[Process]:
    """Everybody below `root` (default: this process), zombies too, parents before children. A process may be missed
    while others come and go around it: look again until nothing changes."""
    found: dict[int, Process] = {}
    waiting = children_of(os.getpid() if root is None else root)
    while waiting:
        pid = waiting.pop()
        if pid not in found and (process := look(pid)) is not None:
            found[pid] = process
            waiting.extend(children_of(pid))
    return list(found.values())


def children_of(pid: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:
                    found.extend(map(int, _all(file.read).split()))
            except OSError:  # the thread has gone meanwhile, or this kernel does not tell
                if not _has_children_files():
                    return [each for each in all_processes() if (it := look(each)) is not None and it.parent == pid]
    except OSError:
        pass  # the process has gone meanwhile
    return found


def eldest_below(root: int, steps: int) -> Process | None:
    """The eldest child of the eldest child …, so many steps below `root`; None where there is none, or not any more."""
    pid = root
    for _ in range(steps):
        children = children_of(pid)  # the kernel tells them in the order of their birth
        if not children:
            return None
        pid = children[0]
    found = look(pid)
    return found if found is not None and found.alive else None


def all_processes() -> list[int]:
    """The numbers of all processes that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def kill_all(processes: Iterable[Process]) -> list[Process]:
    """SIGKILL to each living one and to its process group; who was living.

    A group is struck in one act, so that no fork escapes. It holds no strangers: only a descendant can be in a session
    that a descendant has opened, and our own session is spared.
    """
    alive = [process for process in processes if process.alive]
    own = os.getsid(0)
    for group in {process.group for process in alive if process.session != own and process.group > 1}:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for process in alive:
        send(process, signal.SIGKILL)
    return alive


def send(process: Process, *numbers: int) -> None:
    """Send signals through a pidfd: to this process or to nobody."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        now = look(process.pid)
        if now is not None and now.born == process.born:
            for number in numbers:
                signal.pidfd_send_signal(pidfd, number)
    except OSError:
        pass
    finally:
        os.close(pidfd)


def reap(processes: Iterable[Process], spare: Callable[[int], bool]) -> None:
    """Take away our own children among these that have ended, but for those that somebody else waits for."""
    ours = os.getpid()
    for process in processes:
        if not process.alive and process.parent == ours and not spare(process.pid):
            with contextlib.suppress(OSError):
                os.waitpid(process.pid, os.WNOHANG)


def reap_everybody() -> bool:
    """Take away every child that has ended; True when we have no children at all, so that nothing lives below us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _all(read: Callable[[], bytes]) -> bytes:
    """All of a file of /proc: one read may give a part of it."""
    parts = []
    while part := read():
        parts.append(part)
    return b"".join(parts)


def _has_children_files() -> bool:
    return os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
