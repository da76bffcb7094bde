"""One worker as the master sees it: a process, a wire, and what it has said of itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from koubou.errors import ProtocolError
from koubou.model.tier import Tier
from koubou.model.worker import WorkerIdentity
from koubou.wire.framing import FROM_WORKER, Decoder, encode
from koubou.wire.messages import Beat, FromWorker, Hello, Ready, Retire, ToWorker, Unable, Welcome

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Member(asyncio.Protocol):
    """A worker process. `heard` gets what it says of runs; `gone` is called once when the process has ended."""

    def __init__(
        self, identity: WorkerIdentity, process: subprocess.Popen[bytes], tier: Tier, welcome: Welcome
    ) -> None:
        self.identity = identity
        self.tier = tier
        self.ready = False
        self.leaving = False
        self.killed = False
        self.unable: Unable | None = None
        self.running = 0
        self.idle_since: float | None = None
        self.last_beat = 0.0
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._welcome = welcome
        self._decoder = Decoder(FROM_WORKER)
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._heard: Callable[[Member, FromWorker], None]
        self._gone: Callable[[Member, int], None]

    @classmethod
    async def start(
        cls,
        name: str,
        tier: Tier,
        welcome: Welcome,
        *,
        heard: Callable[[Member, FromWorker], None],
        gone: Callable[[Member, int], None],
    ) -> Member:
        """Start a worker for a tier. Raises OSError when the machine cannot."""
        ours, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "koubou.worker", str(theirs.fileno()), name],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(os.environ),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        born, boot = start_time(process.pid) or 0, boot_id()
        member = cls(
            WorkerIdentity(id=name, tier=tier.name, pid=process.pid, born=born, boot=boot), process, tier, welcome
        )
        member._heard, member._gone = heard, gone
        loop = asyncio.get_running_loop()
        loop.add_reader(member._pidfd, member._process_ended)
        await loop.create_unix_connection(lambda: member, sock=ours)
        return member

    def say(self, message: ToWorker) -> None:
        """Send it, with whatever else is said in this turn of the loop."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(encode(message))

    def retire(self) -> None:
        """Ask it to finish what it has and go."""
        if not self.leaving:
            self.leaving = True
            self.say(Retire())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, through the pidfd: never to a stranger."""
        if number is signal.SIGKILL:
            self.killed = True
        with suppress(OSError):
            signal.pidfd_send_signal(self._pidfd, number)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                self._take(message)
        except ProtocolError:
            self.signal(signal.SIGKILL)

    def _take(self, message: FromWorker) -> None:
        self.last_beat = asyncio.get_running_loop().time()
        match message:
            case Hello():
                self.say(self._welcome)
            case Ready():
                self.ready = True
                self.idle_since = self.last_beat
            case Beat(running=running):
                self.running = running
            case Unable():
                self.unable = message
        self._heard(self, message)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def _process_ended(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = self._process.wait()
        # What it said last may still be in the wire; once that is read, it is gone.
        loop.call_soon(self._hang_up, status)

    def _hang_up(self, status: int) -> None:
        if self._transport is not None:
            self._transport.close()
        self._gone(self, status)


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


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A worker sees no keys and no proxies: what it needs comes over the wire."""
    return {name: environ[name] for name in _PASSED_ON if name in environ}
