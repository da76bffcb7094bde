"""Starting the command: fork, what must be so before it runs, exec. The leash has one thread, so fork is safe."""

from __future__ import annotations

import contextlib
import os
import resource
import signal

from koubou.leash.kernel import die_with_parent, no_new_privileges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EXPENDABLE = b"500"
"""Of oom_score_adj: when memory runs out the kernel ends the command, not who holds it."""

_LIMITS = {
    "file": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "address_space": resource.RLIMIT_AS,
    "processes_of_user": resource.RLIMIT_NPROC,
}


class CannotStart(Exception):
    """The command cannot be run; says at what it failed."""


def start(orders: dict[str, Any], stdout: int, stderr: int) -> int:
    """Run the command in a session of its own, ready or not at all; its number. Raises CannotStart."""
    reading, writing = os.pipe()
    leash = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise CannotStart(f"fork: {error.strerror}") from None
    if pid == 0:
        _become(orders, leash, stdout, stderr, writing)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read()
    if said:
        os.waitpid(pid, 0)
        raise CannotStart(said.decode("utf-8", "replace"))
    return pid


def _become(orders: dict[str, Any], leash: int, stdout: int, stderr: int, complaints: int) -> None:
    """In the child: never returns."""
    stage = "session"
    try:
        os.setsid()
        stage = "parent-death signal"
        if not die_with_parent(signal.SIGKILL, leash):
            os._exit(1)
        no_new_privileges()
        stage = "control group"
        if orders["cgroup"] is not None:
            _write(f"{orders['cgroup']}/cgroup.procs", b"0")
        stage = "limits"
        _set_limits(orders["limits"])
        stage = "directory"
        os.chdir(orders["directory"])
        stage = "stdin"
        given = os.open(orders["stdin"] or os.devnull, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        for target, source in enumerate((given, stdout, stderr)):
            os.dup2(source, target)
        default_signals()
        stage = "command"
        os.execvpe(orders["argv"][0], orders["argv"], orders["environment"])  # noqa: S606 - no shell is what we want
    except OSError as error:
        os.write(complaints, f"{stage}: {error.strerror}".encode())
    except BaseException as error:  # noqa: BLE001 - nothing may come back from here
        os.write(complaints, f"{stage}: {type(error).__name__}".encode())
    os._exit(1)


def _set_limits(limits: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, number in _LIMITS.items():
        if (asked := limits[name]) is not None:
            hard = resource.getrlimit(number)[1]
            most = asked if hard == resource.RLIM_INFINITY else min(asked, hard)
            resource.setrlimit(number, (most, most))
    with contextlib.suppress(OSError):  # it already is more expendable than that
        _write("/proc/self/oom_score_adj", _EXPENDABLE)


def default_signals() -> None:
    """What the leash ignores or blocks must not be ignored or blocked by the command."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):  # the C library keeps some for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
