"""The master's end of the nursery (`koubou.nursery`), which forks his workers and hands; started anew when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from koubou import crash

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PATIENCE = 60.0
"""Seconds for a birth; the first of a kind waits until what it is made of is loaded."""
_COMING = 1.0
"""Seconds for a child to come to us when the one between has heard that it may."""
_UNKNOWN = 255


class Born:
    """A forked child; what is used of a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int:
        """The exit status of a child that has ended, or the negative number of its signal; 255 if nobody knows it."""
        until = time.monotonic() + _COMING
        while True:
            try:
                return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:
                if time.monotonic() > until:
                    return _UNKNOWN
                time.sleep(0.001)


class Nursery:
    """Forks children for a process that is a subreaper."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def open(self) -> int:
        """Start it unless it lives; its number. Raises OSError."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._line.setblocking(False)
            with theirs:
                self._process = begin(theirs)
        return self._process.pid

    @asynccontextmanager
    async def birth(
        self,
        module: str,
        before: Sequence[str],
        after: Sequence[str],
        *,
        load: Sequence[str],
        wire: socket.socket,
        paper: int,
    ) -> AsyncIterator[Born]:
        """A child that is `module …before FD …after`, to be noted: it comes to us afterwards. Raises OSError."""
        assert self._line is not None  # noqa: S101 - it was opened
        order = json.dumps({"module": module, "before": before, "after": after, "load": load})
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                try:
                    socket.send_fds(self._line, [order.encode()], [wire.fileno(), paper, theirs.fileno()])
                except BrokenPipeError:
                    self.close()
                    raise
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(_PATIENCE):
                    said = await loop.sock_recv(ours, 64)
            except TimeoutError:
                self.close()
                raise OSError("who forks the children does not answer, and is started anew") from None
            if not said:
                raise OSError("who forks the children could not, or has ended")
            yield Born(int(said))
            ours.shutdown(socket.SHUT_WR)
            with suppress(TimeoutError):
                async with asyncio.timeout(_COMING):
                    await loop.sock_recv(ours, 64)

    def close(self) -> None:
        """End it; whom it has forked goes on."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._line = self._process = None


def begin(orders: socket.socket) -> subprocess.Popen[bytes]:
    """Start the process. Raises OSError."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "koubou.nursery", str(orders.fileno())],
        pass_fds=(orders.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment(os.environ),
        start_new_session=True,
    )


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A child sees no keys and no proxies: what it needs comes over the wire."""
    return {name: environ[name] for name in _PASSED_ON if name in environ} | crash.wishes()
