"""Connections to a tier's provider: the library's pool, handshakes, parser and time-outs, without its session.

A session puts each request together anew, copies headers, and has a task write it: a good part of what a call cost
its worker. Here a request is one write; the library is asked for a connection, and reads the answer that comes on it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, StreamWriter
from msgspec import Struct
from multidict import CIMultiDictProxy
from yarl import URL

from koubou.providers.trust import KEEP

_CONNECT = 10.0
"""Seconds for a connection to stand."""
_BUFFER = 1024 * 1024


class Reply(Struct, frozen=True, kw_only=True):
    """The head of an answer; `content` is what follows, as it comes."""

    status: int
    headers: CIMultiDictProxy[str]
    content: aiohttp.StreamReader


class Connections:
    """Kept while they are idle for `KEEP` seconds at most, shared by the runs of a worker. `stall` is in seconds."""

    def __init__(self, trusted: ssl.SSLContext | bool, stall: float) -> None:
        """Within a running loop."""
        self._loop = asyncio.get_running_loop()
        self._stall = stall
        self._patience = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP, ssl=trusted)
        self._models: dict[URL, aiohttp.ClientRequest] = {}

    async def close(self) -> None:
        """Let go of them all."""
        await self._connector.close()

    @asynccontextmanager
    async def post(self, url: URL, headers: Mapping[str, str], body: bytes) -> AsyncIterator[Reply]:
        """Send a request; its answer is to be read before this ends, else its connection is not used again.

        Raises what the library does: ClientConnectorError or ConnectionTimeoutError where nothing was sent, else
        TimeoutError or ClientError. Header values must be without line ends.
        """
        model = self._models.get(url) or self._model(url)
        try:
            connection = await self._connector.connect(model, [], self._patience)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection") from error
        writing: asyncio.Task[None] | None = None
        try:
            protocol = self._send(connection, _head(model, headers, len(body)), body)
            if protocol.writing_paused:
                writing = self._loop.create_task(self._written(protocol))
            else:
                protocol.start_timeout()
            reply = await _reply(protocol)
            if writing is None:
                # At once, not when the agent has taken it all: from here on it is idle.
                reply.content.on_eof(connection.release)
            yield reply
            if reply.content.is_eof() and writing is not None and writing.done():
                connection.release()
        finally:
            if writing is not None:
                writing.cancel()
            connection.close()  # nothing where it was released

    def _model(self, url: URL) -> aiohttp.ClientRequest:
        """What the library wants to know of a request for which it is to find a connection."""
        model = self._models[url] = aiohttp.ClientRequest("POST", url, loop=self._loop)
        return model

    def _send(self, connection: Connection, head: bytes, body: bytes) -> ResponseHandler:
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:
            raise aiohttp.ClientConnectionResetError("lost before anything was sent")
        protocol.set_response_params(
            read_until_eof=True, auto_decompress=False, read_timeout=self._stall, read_bufsize=_BUFFER
        )
        protocol.transport.writelines((head, body))
        return protocol

    async def _written(self, protocol: ResponseHandler) -> None:
        """A provider's silence counts from when it has the request, which may take long; it may answer before."""
        with suppress(ConnectionError):
            await StreamWriter(protocol, self._loop).drain()
            protocol.start_timeout()


def _head(model: aiohttp.ClientRequest, headers: Mapping[str, str], length: int) -> bytes:
    own = {name: model.headers[name] for name in ("Host", "Authorization") if name in model.headers}
    members = "".join(f"{name}: {value}\r\n" for name, value in (own | dict(headers)).items())
    return f"POST {model.url.raw_path_qs} HTTP/1.1\r\n{members}Content-Length: {length}\r\n\r\n".encode("ascii")


async def _reply(protocol: ResponseHandler) -> Reply:
    """The head of the answer, behind what only says that one will come."""
    try:
        message, content = await protocol.read()
        while 100 <= message.code < 200:
            protocol.start_timeout()  # the library takes it for the end
            message, content = await protocol.read()
    except HttpProcessingError as error:
        raise aiohttp.ClientPayloadError("an answer that is no HTTP") from error
    return Reply(status=message.code, headers=message.headers, content=content)
