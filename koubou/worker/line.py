"""The worker's end of the wire on asyncio: messages in, messages out, several in one write."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from koubou.errors import ProtocolError
from koubou.wire.framing import TO_WORKER, Decoder, encode
from koubou.wire.messages import Finished, FromWorker, ToWorker
from koubou.worker.bell import Bell


class Line(asyncio.Protocol):
    """Calls `heard` for each message of the master, and `ended` once: with None where the wire ends, or the damage."""

    def __init__(self, heard: Callable[[ToWorker], None], ended: Callable[[ProtocolError | None], None]) -> None:
        self._heard = heard
        self._ended = ended
        self._decoder = Decoder(TO_WORKER)
        self._transport: asyncio.Transport | None = None
        self._bell: Bell | None = None
        self._out: list[bytes] = []
        self._ring = False
        self._lost = asyncio.Event()

    @classmethod
    async def connect(
        cls, wire: socket.socket, heard: Callable[[ToWorker], None], ended: Callable[[ProtocolError | None], None]
    ) -> Line:
        """Take up the wire."""
        line = cls(heard, ended)
        line._bell = Bell(wire)
        await asyncio.get_running_loop().create_unix_connection(lambda: line, sock=wire)
        return line

    def say(self, message: FromWorker) -> None:
        """Send it with whatever else is said in this turn of the loop. Silent once the master is gone."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(encode(message))
        self._ring = self._ring or type(message) is Finished

    async def close(self, patience: float) -> None:
        """Send what is left and hang up; at most `patience` seconds for a master that does not read."""
        self._flush()
        if self._transport is not None and not self._lost.is_set():
            self._transport.close()
            try:
                await asyncio.wait_for(self._lost.wait(), patience)
            except TimeoutError:
                self._transport.abort()

    def _flush(self) -> None:
        out, self._out = self._out, []
        ring, self._ring = self._ring, False
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))
            if ring and self._bell is not None:
                self._bell.ring()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of whichever loop it is

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                self._heard(message)
            self._decoder.feed(b"")  # raises what was found behind those messages
        except ProtocolError as damage:
            self._end(damage)

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._lost.set()
        self._end(None)

    def _end(self, damage: ProtocolError | None) -> None:
        ended, self._ended = self._ended, lambda _: None
        ended(damage)
