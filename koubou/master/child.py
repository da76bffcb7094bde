"""A child process and its wire, as the master sees them: identified by a pidfd, heard through asyncio."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from koubou import last_words
from koubou.errors import ProtocolError
from koubou.master.children import Children
from koubou.master.nursery import Born, environment
from koubou.wire.framing import Decoder, Message, encode


class Child(asyncio.Protocol):
    """`heard` gets each message; `gone` is called once, with the exit status, when the process has ended."""

    def __init__(
        self, accepts: tuple[type, ...], children: Children, heard: Callable[[Any], None], gone: Callable[[int], None]
    ) -> None:
        self.killed = False
        self._children = children
        self._heard = heard
        self._gone = gone
        self._decoder = Decoder(accepts)
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.last_words: list[str] = []
        self._process: subprocess.Popen[bytes] | Born
        self._paper: int
        self._pidfd: int

    @classmethod
    async def start(
        cls,
        module: str,
        before: Sequence[str],
        after: Sequence[str],
        accepts: tuple[type, ...],
        *,
        children: Children,
        heard: Callable[[Any], None],
        gone: Callable[[int], None],
        load: Sequence[str] = (),
    ) -> Child:
        """Start `python -m module …before FD …after` with one end of a wire. Raises OSError when the machine cannot.

        Where there is a nursery it is forked, and the nursery loads what is named first.
        """
        ours, theirs = socket.socketpair()
        paper = last_words.paper()
        process: subprocess.Popen[bytes] | Born | None = None
        try:
            if children.nursery is None:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module, *before, str(theirs.fileno()), *after],
                    pass_fds=(theirs.fileno(), paper),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**environment(os.environ), last_words.VARIABLE: str(paper)},
                    start_new_session=True,
                )
                children.note(process.pid)
            else:
                children.note(children.nursery.open())
                birth = children.nursery.birth(module, before, after, load=load, wire=theirs, paper=paper)
                async with birth as process:
                    children.note(process.pid)
            pidfd = os.pidfd_open(process.pid)
        except BaseException:
            if process is not None:
                children.forget(process.pid)  # without its wire it ends, as a stranger
            ours.close()
            os.close(paper)
            raise
        finally:
            theirs.close()
        child = cls(accepts, children, heard, gone)
        child._paper = paper
        child._process = process
        child._pidfd = pidfd
        loop = asyncio.get_running_loop()
        loop.add_reader(child._pidfd, child._ended)
        await loop.create_unix_connection(lambda: child, sock=ours)
        return child

    @property
    def pid(self) -> int:
        """The process's number; for showing, never for signals."""
        return self._process.pid

    def say(self, message: Message) -> None:
        """Send it, with whatever else is said in this turn of the loop. Raises ProtocolError for what is too long."""
        data = encode(message)
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal through the pidfd: never to a stranger."""
        if number is signal.SIGKILL:
            self.killed = True
        with suppress(OSError):
            signal.pidfd_send_signal(self._pidfd, number)

    def flush(self) -> None:
        """Send now what was said in this turn of the loop; only a test of crashes cares."""
        self._flush()

    def hang_up(self) -> None:
        """Close the wire: the child finishes and ends."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                self._heard(message)
        except ProtocolError:
            self.signal(signal.SIGKILL)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def _ended(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = self._process.wait()
        self._children.forget(self._process.pid)
        self._pidfd = -1
        self.last_words = last_words.read(self._paper)
        os.close(self._paper)
        # What it said last may still be in the wire; the loop reads that first.
        loop.call_soon(loop.call_soon, self._over, status)

    def _over(self, status: int) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._gone(status)


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since boot (field 22 of /proc/PID/stat); None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def boot_id() -> str:
    """Which boot of the machine this is."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
