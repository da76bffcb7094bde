"""Server-sent events: how they are written, and what keeps a stream going."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request

from koubou.errors import KoubouError
from koubou.window.problems import Trouble

EVENT_STREAM = "text/event-stream"
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""The second keeps nginx from gathering what is to be seen at once."""
BEAT = 15.0
"""Seconds after which a stream that says nothing shows that it lives."""
RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": beat\n\n"


def event(data: bytes, id: int | None = None, name: str | None = None) -> bytes:  # noqa: A002 - the field's name
    """One event; `data` has no line break, as JSON has none."""
    head = b"" if id is None else b"id: %d\n" % id
    if name is not None:
        head += b"event: %s\n" % name.encode()
    return head + b"data: " + data + b"\n\n"


def wants_stream(request: Request) -> bool:
    """Whether who asks would rather have a stream."""
    return EVENT_STREAM in request.headers.get("accept", "")


class Stay:
    """Whether who watches may still do so, looked up every `BEAT` seconds: a token may have been revoked meanwhile."""

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self._look_again: Callable[[], Awaitable[object]] = scope["koubou.again"]
        self._loop = asyncio.get_running_loop()
        self._looked_at = self._loop.time()

    async def is_over(self) -> bool:
        """Whether he is to go."""
        if self._loop.time() - self._looked_at < BEAT:
            return False
        self._looked_at = self._loop.time()
        try:
            await self._look_again()
        except Trouble:
            return True
        except KoubouError:
            pass  # the board cannot be read just now: that takes nobody's right away
        return False
