"""What of the machine is seen inside the walls: the command line of bubblewrap, bwrap(1)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from msgspec import Struct

from koubou.errors import KoubouError

WORK = "/work"
"""Where the workspace is inside, and where the program starts."""
HOME = "/home/agent"
PROGRAM = "bwrap"

_OURS = "/run/koubou"
_SOCKET = f"{_OURS}/gateway.sock"
_RELAY = f"{_OURS}/relay.py"
_HERE = os.path.dirname(os.path.abspath(__file__))
_USER = "1000"
"""Who the agent is inside, whoever runs it: with 0 a sandbox of its own could not map its user."""
_SCRATCH = 512 * 1024 * 1024
"""Bytes of memory that /tmp and /dev/shm may take, each."""
_LINKED_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_KERNEL_SETTINGS = ("/proc/sys", "/proc/sysrq-trigger")
_MADE_ANEW = ("group", "hosts", "nsswitch.conf", "passwd")
_OF_ETC = (
    *("alternatives", "ca-certificates", "crypto-policies", "debian_version", "fonts", "inputrc", "java-17-openjdk"),
    *("java-21-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "magic"),
    *("mime.types", "os-release", "perl", "pki/ca-trust", "pki/tls/certs", "protocols", "python3", "python3.11"),
    *("python3.12", "python3.13", "services", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone"),
)
"""What programs need and no secret lies in. Not /etc/ssl or /etc/pki whole: private keys are there."""


class NoWall(KoubouError):
    """Walls that hide what they must cannot be put up; the message says why, and what to do."""


class Walls(Struct, frozen=True, kw_only=True):
    """What one agent sees beside the system's programs: absolute paths of the host.

    `work` is seen at /work and `home` at /home/agent, both to be written; `writable` and `readable` where they are.
    Nothing of `hidden` may come to be seen: only the folders of a run may lie in it. `socket` is the gateway's, found
    inside at 127.0.0.1:`port`; None: there is no relay and no way out at all.
    """

    work: str
    home: str
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    socket: str | None = None
    port: int = 0

    @property
    def depth(self) -> int:
        """How many steps the program lies below bubblewrap: its init, the relay, the program."""
        return 2 if self.socket is None else 3


def walled(argv: Sequence[str], walls: Walls) -> tuple[str, ...]:
    """The command line that runs `argv` within these walls. Raises NoWall.

    Its status is that of the program, 128+n for a signal n. It needs no environment but the program's, any folder.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoWall(f"there is no {PROGRAM}: apt-get install bubblewrap")
    _check(walls)
    return (
        program,
        *("--unshare-all", "--unshare-user", "--uid", _USER, "--gid", _USER, "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--hostname", "koubou"),
        *_system(),
        *_etc(),
        *(word for path in (*walls.readable, *_interpreter()) for word in ("--ro-bind", path, path)),
        *(word for path in walls.writable for word in ("--bind", path, path)),
        *("--bind", walls.work, WORK, "--bind", walls.home, HOME),
        *_way_out(walls),
        *("--remount-ro", "/", "--chdir", WORK, "--"),
        *_relayed(argv, walls),
    )


def _check(walls: Walls) -> None:
    """Refuse what would show something that is to be hidden: `readable` and `writable` may neither hold it nor lie in
    it, the folders of a run may only lie in it."""
    for hidden in map(os.path.realpath, walls.hidden):
        for path in ("/usr", *_interpreter(), *walls.readable, *walls.writable, walls.work, walls.home):
            if _lies_in(hidden, os.path.realpath(path)):
                raise NoWall(f"{path} holds {hidden}, which no agent may see: keep them apart")
        for path in walls.writable + walls.readable:
            if _lies_in(os.path.realpath(path), hidden):
                raise NoWall(f"{path} lies in {hidden}, which no agent may see: move it elsewhere")


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _system() -> tuple[str, ...]:
    folders: list[str] = ["--ro-bind", "/usr", "/usr"]
    for folder in _LINKED_FOLDERS:
        if os.path.islink(folder):
            folders += ("--symlink", os.readlink(folder), folder)
        elif os.path.isdir(folder):
            folders += ("--ro-bind", folder, folder)
    return (
        *folders,
        *("--proc", "/proc", *_settings_of_the_kernel()),
        *("--dev", "/dev", *_scratch("/dev/shm"), "--remount-ro", "/dev"),  # noqa: S108 - the sandbox's own
        *(*_scratch("/tmp"), "--symlink", "/tmp", "/var/tmp"),  # noqa: S108 - the sandbox's own
        *("--dir", "/root", "--dir", "/run", "--symlink", "/run", "/var/run"),
    )


def _settings_of_the_kernel() -> tuple[str, ...]:
    """Not to be written. They belong to root, and where the workshop runs as root so does the agent, as the kernel sees
    it, without any capability: bubblewrap covers only what it may itself write to at that moment. Where nobody else
    could write them they are left alone: with a part of /proc covered, a sandbox inside cannot mount its own."""
    if os.geteuid() != 0:
        return ()
    return tuple(word for path in _KERNEL_SETTINGS if os.path.exists(path) for word in ("--ro-bind", path, path))


def _scratch(path: str) -> tuple[str, ...]:
    return ("--perms", "1777", "--size", str(_SCRATCH), "--tmpfs", path)


def _etc() -> tuple[str, ...]:
    words: list[str] = []
    for name in _MADE_ANEW:
        words += ("--ro-bind", f"{_HERE}/etc/{name}", f"/etc/{name}")
    for name in _OF_ETC:
        words += ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    return tuple(words)


def _interpreter() -> tuple[str, ...]:
    """Where the Python is that runs us, as far as it is not among the system's programs."""
    return () if _lies_in(sys.base_prefix, "/usr") else (sys.base_prefix,)


def _way_out(walls: Walls) -> tuple[str, ...]:
    if walls.socket is None:
        return ()
    return ("--ro-bind", walls.socket, _SOCKET, "--ro-bind", f"{_HERE}/relay.py", _RELAY)


def _relayed(argv: Sequence[str], walls: Walls) -> tuple[str, ...]:
    if walls.socket is None:
        return tuple(argv)
    python = os.path.realpath(sys.executable)
    return (python, "-I", "-S", _RELAY, str(walls.port), _SOCKET, "--", *argv)
