"""Where agents knock: a port of 127.0.0.1 for the worker, a Unix socket for each run; bounded in all directions."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

LARGEST = 32 * 1024 * 1024
"""Bytes of a request."""
_HEADER = 16 * 1024
_FIRST = 20.0
"""Seconds for the first request of a connection to have come."""
_KEEP = 75.0
_MOST = 256
"""Connections of one socket at a time: an agent must not use up the open files of its worker."""
_SOCKET = "gateway.sock"

Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """One listening socket, with the connections that came through it."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._unheard: dict[RequestHandler, asyncio.TimerHandle] = {}
        self._web = web.Server(
            self._take,
            request_factory=self._request,
            access_log=None,
            logger=logging.Logger("gateway", logging.CRITICAL + 1),  # what it would log may quote a request
            auto_decompress=False,
            keepalive_timeout=_KEEP,
            max_line_size=_HEADER,
            max_field_size=_HEADER,
        )
        self._server: asyncio.Server

    async def on_port(self) -> int:
        """Listen on a free port of 127.0.0.1; which one it is."""
        self._server = await self._loop.create_server(self._connection, "127.0.0.1", 0, backlog=1024)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def in_folder(self, folder: str) -> str:
        """Listen on a Unix socket in this folder, for its owner only; the socket's path, however long."""
        self._server = await self._loop.create_unix_server(self._connection, sock=_bound(folder), backlog=256)
        return os.path.join(folder, _SOCKET)

    async def close(self) -> None:
        """Nobody comes in any more, and whoever is in is put out."""
        self._server.close()
        for timer in self._unheard.values():
            timer.cancel()
        self._web.pre_shutdown()
        await self._web.shutdown(1.0)
        await self._server.wait_closed()

    def _connection(self) -> RequestHandler:
        patience = _FIRST if len(self._web.connections) < _MOST else 0
        connection = self._web()
        self._unheard[connection] = self._loop.call_later(patience, self._put_out, connection)
        return connection

    def _put_out(self, connection: RequestHandler) -> None:
        del self._unheard[connection]
        connection.force_close()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        if (timer := self._unheard.pop(request.protocol, None)) is not None:
            timer.cancel()
        return await self._answer(request)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=LARGEST)


def _bound(folder: str) -> socket.socket:
    """A socket in this folder. It is bound through the folder's descriptor: a path of 108 bytes is too long to bind."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        path = f"/proc/self/fd/{directory}/{_SOCKET}"
        if os.path.lexists(path):
            os.unlink(path)  # of a worker that was killed
        os.fchmod(listening.fileno(), 0o600)  # before it has a name, so that it never stands open
        listening.bind(path)
    except OSError:
        listening.close()
        raise
    finally:
        os.close(directory)
    return listening
