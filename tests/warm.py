"""The program as processes that are forked from one which has loaded its modules: as if started anew, and much sooner.

Started with a socket this file is that process; imported, it is how tests ask it. What differs from a start anew: the
modules are there already, and /proc shows the words and the environment of the process that was forked.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from setproctitle import getproctitle

KOUBOU = str(Path(sys.executable).with_name("koubou"))
_LOOKED_AT = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC", "COVERAGE")
"""What an interpreter looks at when it starts: where that differs, the program must be started anew."""
_LEFT_OUT = ("koubou.window", "koubou.cli.top")
_LARGEST = 1024 * 1024
_SOON = 60.0


def is_fit_for(environment: Mapping[str, str]) -> bool:
    """Whether a process with this environment may be forked; not one that is to crash at a point of its code."""
    return "KOUBOU_CRASH_AT" not in environment and _looked_at(environment) == _looked_at(os.environ)


def bare_environment() -> dict[str, str]:
    """As little as a program may have that is to be forked."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | _looked_at(os.environ)


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    stdin: str | None = None,
    within: float = 60,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """A verb, run to its end; forked where that makes no difference. Raises subprocess.TimeoutExpired."""
    if pass_fds or words[0] != KOUBOU or not is_fit_for(environment):
        return subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            timeout=within,
            check=False,
            pass_fds=pass_fds,
        )
    with contextlib.ExitStack() as files:
        given, said, told = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write((stdin or "").encode())
        given.seek(0)
        process = Process(words, environment, folder, (given, said, told))
        try:
            code = process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(words, code, _text(said), _text(told))


class Process:
    """What tests use of a `subprocess.Popen`."""

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        files: Sequence[IO[Any]],
        *,
        session: bool = False,
    ) -> None:
        """`files` are its three standard ones; with `session` it leads one of its own."""
        self.returncode: int | None = None
        self._words = words
        self._told, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {"words": words, "environment": dict(environment), "folder": str(folder), "session": session}
        with others:
            descriptors = [*(file.fileno() for file in files), others.fileno()]
            socket.send_fds(_forker(), [json.dumps(order).encode()], descriptors)
        said = self._hear(_SOON)
        if said is None:
            raise RuntimeError("whoever forks the program does not answer")
        self.pid = int(said)

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None and (said := self._hear(0)) is not None:
            self.returncode = int(said)
            self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, in the end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            select.select([self._told], [], [], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._words, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """A signal, to a process that was not seen to end."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """The signal that asks."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """The signal that nobody hears."""
        self.send_signal(signal.SIGKILL)

    def __del__(self) -> None:
        self._told.close()

    def _hear(self, within: float) -> bytes | None:
        ready, _, _ = select.select([self._told], [], [], within)
        if not ready:
            return None
        said = self._told.recv(64)
        if not said:
            raise RuntimeError("whoever forks the program has ended")
        return said


def _looked_at(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_LOOKED_AT)}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _forker() -> socket.socket:
    """The way to the one that forks; it ends with this process, and is no child of it: tests count those."""
    from compiled_rules import compiled_rules

    mine, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with others, open(os.devnull, "rb") as nothing:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", __file__, str(others.fileno()), str(compiled_rules())],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nothing.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, others.fileno(), others.fileno()),
            ],
            setsid=True,
        )
    os.waitpid(pid, 0)
    atexit.register(mine.close)
    return mine


# The one that forks


def _modules() -> Iterable[str]:
    import koubou

    for found in pkgutil.walk_packages(koubou.__path__, "koubou."):
        if not found.name.startswith(_LEFT_OUT) and not found.name.endswith("__main__"):
            yield found.name


def _serve(orders: socket.socket, rules: Path) -> None:
    for name in _modules():
        importlib.import_module(name)
    _load_rules(rules)
    getproctitle()  # it finds its place beside the environment that the interpreter was given
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, 4)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _watch_over(json.loads(order), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _load_rules(rules: Path) -> None:
    """The secret scanner is ready in whoever is forked, wherever he would keep its compiled rules."""
    from koubou.detectors import kingfisher

    load, ready = kingfisher._scanner, kingfisher._scanner(rules)
    kingfisher._scanner = lambda folder: load(folder) if folder is None else ready


def _watch_over(order: Mapping[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Fork the program, tell its number, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *standard, teller = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(teller)
        _become(order, standard)
    for descriptor in standard:
        os.close(descriptor)
    told = socket.socket(fileno=teller)
    told.send(b"%d" % pid)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        told.send(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(order: Mapping[str, Any], standard: Sequence[int]) -> NoReturn:
    """Be what the installed program is, with these words."""
    code: object = 1
    try:
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
        for descriptor in standard:
            os.close(descriptor)
        if order["session"]:
            os.setsid()
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        os.chdir(order["folder"])
        sys.argv = order["words"]
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(0, encoding="utf-8", closefd=False),
            os.fdopen(1, "w", encoding="utf-8", closefd=False),
            os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False),
        )
        from koubou.cli.main import main
        from koubou.master import nursery

        _Nursery.anew, nursery.begin = nursery.begin, _Nursery  # type: ignore[assignment,misc]
        code = main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as an interpreter does at its end
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


class _Nursery:
    """The nursery of a master that was forked, forked as well: what is used of a `subprocess.Popen`. A later one of
    the same master, who by then has threads, is started anew.
    """

    anew: Callable[[socket.socket], subprocess.Popen[bytes]]

    def __init__(self, orders: socket.socket) -> None:
        from koubou import nursery
        from koubou.master import nursery as of_master

        of_master.begin = type(self).anew
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _be_a_nursery(nursery.main, orders.detach())

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.001)
        return self.returncode or 0


def _be_a_nursery(main: Callable[[Sequence[str]], int], orders: int) -> NoReturn:
    from koubou.master.nursery import environment

    code: object = 1
    try:
        seen = environment(os.environ)
        os.environ.clear()
        os.environ.update(seen)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(nothing, number)
        os.dup2(orders, 3)
        os.closerange(4, 65_536)
        code = main(["3"])
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as an interpreter does at its end
        sys.excepthook(*sys.exc_info())
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__" and os.fork() == 0:
    _serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]))
