"""A hand's end of the wire: blocking, several messages in one read and one write."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import Any

from koubou.errors import ProtocolError
from koubou.wire.framing import TO_HAND, Decoder, encode

_AT_ONCE = 1 << 20


class Line:
    """`say` may be called from any thread, `hear` from one."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._decoder = Decoder(TO_HAND)
        self._speaking = threading.Lock()

    def hear(self) -> list[Any]:
        """What the master says next, all that has come; empty when the wire has ended."""
        while True:
            try:
                data = self._wire.recv(_AT_ONCE)
            except OSError:
                return []
            if not data:
                return []
            try:
                if found := self._decoder.feed(data):
                    return found
            except ProtocolError:
                return []

    def say(self, messages: Iterable[Any]) -> None:
        """Send them. Silent when the master has gone: `hear` tells."""
        self.send(b"".join(encode(message) for message in messages))

    def send(self, data: bytes) -> None:
        """Send messages that are encoded already."""
        with self._speaking:
            try:
                self._wire.sendall(data)
            except OSError:
                return
