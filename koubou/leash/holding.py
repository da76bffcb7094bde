"""For the parent: starting leashes, hearing them, and ending what is left where a leash itself is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from koubou.leash import cgroup
from koubou.leash.adopted import end_adopted
from koubou.leash.mark import NAME
from koubou.leash.orders import Command, Ended, Limits, Why, ended_of, orders_of
from koubou.leash.words import BadWords, Lines, line

_PROGRAM = str(Path(__file__).with_name("__main__.py"))
_PIECE = 64 * 1024
_HANG_UP = 1.0
_MARGIN = 10.0
"""Seconds that a leash may be late with its last word before it counts as hanging itself."""

Record = Callable[[bytes], bool]
"""Is given what the command says as it comes; True once the last record of a finished work has come."""


class Leashes:
    """All leashes of this process. A killed leash leaves us its tree, if this process is a subreaper."""

    def __init__(self, *, control_group: str | None = None) -> None:
        self._alive: set[int] = set()
        self._control_group = control_group

    async def run(self, command: Command, limits: Limits, recorded: Record) -> Ended:
        """Have a command run, and come back when nothing of it lives; also when cancelled. Raises OSError where no
        leash can be started."""
        leash = Leash(self, command, limits, recorded, self._control_group)
        self._alive.add(leash.pid)
        try:
            return await asyncio.shield(leash.over)
        except asyncio.CancelledError:
            leash.end()
            await _until_done(leash.over)
            raise

    def forget(self, pid: int) -> None:
        """This leash has ended."""
        self._alive.discard(pid)

    async def end_left(self, mark: str) -> None:
        """End what a lost leash has left, until nothing is."""
        await end_adopted(lambda child: child.pid in self._alive, mark.encode())
        if self._control_group is not None:
            cgroup.end_left(self._control_group, self._alive)


class Leash(asyncio.Protocol):
    """One leash process, as its parent sees it. `over` is done when it has ended and nothing of its tree is left."""

    def __init__(
        self, leashes: Leashes, command: Command, limits: Limits, recorded: Record, control_group: str | None
    ) -> None:
        self._leashes = leashes
        self._command = command
        self._limits = limits
        self._recorded = recorded
        self._done = False
        self._failure: Exception | None = None
        self._lines = Lines()
        self._last: Mapping[str, Any] | None = None
        self._transport: asyncio.Transport | None = None
        self._tail: int | None = None
        self._loop = asyncio.get_running_loop()
        self._process, wire = _spawn(command.mark)
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._out = [line("orders", **orders_of(command, limits, control_group))]
        self._hung_up = asyncio.Event()
        self._hanging = None if limits.wall is None else self._give_up_after(limits.wall + limits.grace)
        self.over = self._loop.create_task(self._hold(wire))

    def end(self, within: int = 0) -> None:
        """Have it ended: asked, given its grace, killed. Said again, without grace."""
        self._out.append(line("end", within=within))
        self._say()
        late = self._give_up_after(within + self._limits.grace)
        if self._hanging is None or late.when() < self._hanging.when():
            self._hanging, late = late, self._hanging or late
        if late is not self._hanging:
            late.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for word in self._lines.feed(data):
                self._hear(word)
        except BadWords:
            self._kill()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._hung_up.set()

    def _say(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _hear(self, word: Mapping[str, Any]) -> None:
        match word["type"]:
            case "grown":
                self._read_on(word["stdout"])
            case "over":
                self._read_on(word["stdout"])
                self._last = word

    def _read_on(self, size: int) -> None:
        """Look at what has come since; after the last record the command has a while to end by itself."""
        if self._done:
            return
        with suppress(FileNotFoundError):
            if self._tail is None:
                self._tail = os.open(self._command.stdout, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            while os.lseek(self._tail, 0, os.SEEK_CUR) < size and not self._done:
                self._done = self._hear_output(os.read(self._tail, _PIECE))
        if self._done:
            self.end(within=self._limits.linger if self._failure is None else 0)

    def _hear_output(self, data: bytes) -> bool:
        try:
            return self._recorded(data)
        except Exception as error:  # noqa: BLE001 - it is raised where the run is awaited, once nothing is left
            self._failure = error
            return True

    async def _hold(self, wire: socket.socket) -> Ended:
        """Until the leash has ended; if it was lost, until its tree has."""
        self._transport, _ = await self._loop.create_unix_connection(lambda: self, sock=wire)
        self._say()
        ended = asyncio.Event()
        self._loop.add_reader(self._pidfd, ended.set)
        await ended.wait()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._process.wait()
        with suppress(TimeoutError):  # what it said last may still be in the wire
            await asyncio.wait_for(self._hung_up.wait(), _HANG_UP)
        if self._hanging is not None:
            self._hanging.cancel()
        self._transport.abort()
        self._leashes.forget(self.pid)
        if self._last is None:
            await self._leashes.end_left(self._command.mark)
        if self._tail is not None:
            os.close(self._tail)
        if self._failure is not None:
            raise self._failure
        if self._last is None:
            return Ended(why=Why.LOST, recorded=self._done, message="the leash was ended before its command")
        return ended_of(self._last, recorded=self._done)

    def _give_up_after(self, patience: int) -> asyncio.TimerHandle:
        """A leash that does not end what it should is hanging itself: it is killed, and its tree comes to us."""
        return self._loop.call_later(patience / 1000 + _MARGIN, self._kill)

    def _kill(self) -> None:
        if self._pidfd >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)


def _spawn(mark: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A leash process and our end of its line."""
    if threading.current_thread() is not threading.main_thread():
        # Its parent-death signal comes when the thread that started it ends (PR_SET_PDEATHSIG(2const)).
        raise RuntimeError("a leash is started from the main thread")
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _PROGRAM, str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={NAME: mark},
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, ours


async def _until_done(task: asyncio.Task[Ended]) -> None:
    """Wait for it, however often we are cancelled meanwhile."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
