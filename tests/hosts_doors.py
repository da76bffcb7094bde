"""Listeners of the host that answer whoever reaches them, of every kind that an agent may try; and who has."""

from __future__ import annotations

import selectors
import socket
import threading
from pathlib import Path
from types import TracebackType

HEARD = b"the host has heard you"


class Doors:
    """TCP, UDP, a Unix socket in `folder` and one in the abstract name space; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.path = str(folder / "host.sock")
        self.unix = _listening(self.path)
        self.name = f"host-{folder.name}"
        self.abstract = _listening(f"\0{self.name}")
        self.reached: list[str] = []
        self._ending, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def misdeeds(self) -> list[list[str]]:
        """How an agent that plays along is told to try each."""
        return [
            ["tcp", f"127.0.0.1:{self.tcp.getsockname()[1]}"],
            ["udp", f"127.0.0.1:{self.udp.getsockname()[1]}"],
            ["unix", self.path],
            ["abstract", self.name],
        ]

    def __enter__(self) -> Doors:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.close()
        self._thread.join()
        for each in (self.tcp, self.udp, self.unix, self.abstract, self._ending):
            each.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as ready:
            named = {"tcp": self.tcp, "udp": self.udp, "unix": self.unix, "abstract": self.abstract}
            for name, each in named.items():
                ready.register(each, selectors.EVENT_READ, name)
            ready.register(self._ending, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.data is None:
                        return
                    self.reached.append(key.data)
                    _answer(named[key.data])


def answer_of(kind: str, address: str) -> bytes:
    """What who is there says to somebody of the host."""
    family = socket.AF_INET if kind in ("tcp", "udp") else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as link:
        link.settimeout(10)
        host, _, port = address.rpartition(":")
        link.connect(
            (host, int(port)) if family == socket.AF_INET else f"\0{address}" if kind == "abstract" else address
        )
        link.sendall(b"hello")
        return link.recv(1000)


def _listening(address: str) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen()
    return door


def _answer(door: socket.socket) -> None:
    if door.type == socket.SOCK_DGRAM:
        _, sender = door.recvfrom(1000)
        door.sendto(HEARD, sender)
        return
    caller, _ = door.accept()
    with caller:
        caller.recv(1000)
        caller.sendall(HEARD)
