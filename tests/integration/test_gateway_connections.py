"""Connections of the gateway to a provider: what is kept, what is not used again, and who may answer early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import pytest
from yarl import URL

from koubou.gateway.connections import Connections, Reply

_HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
_LARGE = b"x" * 8_000_000

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _take(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


class Provider:
    """Says the same to every request, and keeps what came, by connection."""

    def __init__(self, answer: bytes = _HELLO) -> None:
        self._answer = answer
        self.requests: list[list[bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        self.requests.append(mine)
        while b"Connection: close" not in self._answer or not mine:
            mine.append(await _take(reader))
            writer.write(self._answer)


def _play(serve: Serve, scene: Callable[[Connections, URL], Awaitable[None]], stall: float = 30.0) -> None:
    visits: set[asyncio.Task[None] | None] = set()

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def play() -> None:
        server = await asyncio.start_server(visited, "127.0.0.1", 0)
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/messages?beta=true")
        connections = Connections(True, stall)
        try:
            await scene(connections, url)
        finally:
            await connections.close()
            server.close()
            await asyncio.gather(*(visit for visit in visits if visit is not None))

    asyncio.run(play())


async def _said(reply: Reply) -> bytes:
    return await reply.content.read()


def test_a_connection_is_idle_as_soon_as_its_answer_is_read_however_long_the_agent_takes() -> None:
    provider = Provider()

    async def scene(connections: Connections, url: URL) -> None:
        async with connections.post(url, {"Accept": "a"}, b"1") as reply:
            assert await _said(reply) == b"hello"
            async with connections.post(url, {"Accept": "b"}, b"2") as other:
                assert (other.status, await _said(other)) == (200, b"hello")

    _play(provider.serve, scene)
    [[first, _]] = provider.requests
    assert first.startswith(b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: 127.0.0.1:")
    assert first.endswith(b"\r\nAccept: a\r\nContent-Length: 1\r\n\r\n1")


def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again() -> None:
    provider = Provider(_HELLO[:-1])

    async def scene(connections: Connections, url: URL) -> None:
        for _ in range(2):
            async with connections.post(url, {}, b"1") as reply:
                assert await reply.content.readany() == b"hell"

    _play(provider.serve, scene)
    assert len(provider.requests) == 2


def test_a_large_request_arrives_whole() -> None:
    provider = Provider()

    async def scene(connections: Connections, url: URL) -> None:
        async with connections.post(url, {}, _LARGE) as reply:
            assert await _said(reply) == b"hello"

    _play(provider.serve, scene)
    assert provider.requests[0][0].endswith(b"\r\n\r\n" + _LARGE)


def test_an_answer_may_come_before_the_request_was_taken_and_its_connection_is_not_used_again() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(_HELLO.replace(b"200 OK", b"413 Too Large"))
        await reader.read()

    async def scene(connections: Connections, url: URL) -> None:
        for _ in range(2):
            async with connections.post(url, {}, _LARGE) as reply:
                assert (reply.status, await _said(reply)) == (413, b"hello")

    _play(serve, scene)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"What?\r\n\r\n", aiohttp.ClientError),
        (b"HTTP/1.1 100 Continue\r\n\r\n", TimeoutError),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhello", aiohttp.ClientPayloadError),
    ],
)
def test_what_is_no_answer_raises(answer: bytes, error: type[Exception]) -> None:
    async def scene(connections: Connections, url: URL) -> None:
        with pytest.raises(error):
            async with connections.post(url, {}, b"1") as reply:
                await _said(reply)

    _play(Provider(answer).serve, scene, stall=0.3)


def test_what_comes_before_an_answer_is_none() -> None:
    async def scene(connections: Connections, url: URL) -> None:
        async with connections.post(url, {}, b"1") as reply:
            assert (reply.status, await _said(reply)) == (200, b"hello")

    _play(Provider(b"HTTP/1.1 103 Early Hints\r\n\r\n" + _HELLO).serve, scene)
