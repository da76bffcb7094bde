"""Connections by their manners: who says nothing, too little at a time, or takes nothing of his answer is let go."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

MOST_WAITING, MOST_COMING = 128, 512
"""Connections without a request under way. Where there are more, who waits longest goes: who asks at once gets in.

Of those that came within the last second there may be more, whose requests nobody has had the time to read.
"""
MOMENT = 1.0
STALLED_AFTER = 15.0
_AT_ONCE = struct.pack("ii", 1, 0)
_LEAST = 16_384
"""Bytes that must be taken within that many seconds while something waits to be sent, if there are so many."""


class Connection(H11Protocol):
    """HTTP: the head of a request arrives within `patience` seconds after the connection, or the answer before."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        patience: float,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._head: asyncio.TimerHandle | None = None
        self._stall: Stall | None = None
        self._is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._stall = Stall(self.loop, transport)
        self._watch()
        _make_room(self.connections, self.loop.time())

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._no_longer()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is not None:
            self._stall.begin()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.end()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._no_longer()
        if self._stall is not None:
            self._stall.end()

    @property
    def waits_since(self) -> float | None:
        """When it began to wait for a request; None while one is under way."""
        return None if self._head is None else self._head.when() - self._patience

    def let_go(self) -> None:
        """Close it at once."""
        self._no_longer()
        _abort(self.transport)

    def _no_longer(self) -> None:
        """It waits for nothing any more."""
        self._is_over = True
        self._watch()

    def _watch(self) -> None:
        """Wait for a head, or no longer. What comes after an answer that did not want it is no head either."""
        waits = not self._is_over and (self.cycle is None or self.cycle.response_complete)
        if waits and self._head is None:
            self._head = self.loop.call_later(self._patience, self.let_go)
        elif not waits and self._head is not None:
            self._head.cancel()
            self._head = None


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket: whoever does not take what is sent is not heard either, and then let go."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._stall = Stall(self.loop, self.transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.begin()
        self.transport.pause_reading()  # each of his pings would be answered

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.end()
        if not self.read_paused:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stall.end()


class Stall:
    """Looks, while something waits to be sent, whether it becomes less."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._looking: asyncio.TimerHandle | None = None
        self._before = 0
        # Whatever waits is told of, were it a byte: nothing of it may keep a connection open that is to be closed.
        transport.set_write_buffer_limits(high=0)

    def begin(self) -> None:
        """Something waits."""
        self.end()
        self._before = self._transport.get_write_buffer_size()
        self._looking = self._loop.call_later(STALLED_AFTER, self._look)

    def end(self) -> None:
        """Nothing waits any more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look(self) -> None:
        if self._before - self._transport.get_write_buffer_size() < _LEAST:
            _abort(self._transport)
        else:
            self.begin()


def _make_room(connections: Iterable[Any], present: float) -> None:
    waiting = [(each.waits_since, each) for each in connections if isinstance(each, Connection)]
    since = [(at, each) for at, each in waiting if at is not None]
    if len(since) > MOST_WAITING:
        at, longest = min(since, key=lambda each: each[0])
        if present - at >= MOMENT or len(since) > MOST_COMING:
            longest.let_go()


def _abort(transport: asyncio.Transport) -> None:
    """Close it at once; what the kernel still has for the other end is given up too, and not kept for minutes."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
