"""The answer on its way to an agent: as it comes, at the agent's pace, and broken off where it was broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

_PATIENCE = 60.0
"""Seconds for which an agent may take nothing of what is written to it; then it counts as gone."""


class Outlet:
    """One answer. An agent that hangs up is no error: what it does not hear is paid for all the same."""

    def __init__(self, request: web.BaseRequest, hung_up: Callable[[], None]) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None
        self._hung_up = hung_up
        self._gone = False
        self._last = b""

    @property
    def begun(self) -> web.StreamResponse | None:
        """The answer, if it has begun."""
        return self._response

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of an answer that grows."""
        self._response = web.StreamResponse(status=status, headers=headers)
        try:
            await self._response.prepare(self._request)
        except ConnectionError:
            self._lose()

    async def whole(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        """An answer in one piece, head and all, in one write."""
        response = self._response = web.Response(status=status, headers=headers, body=data)
        try:
            async with asyncio.timeout(_PATIENCE):
                await response.prepare(self._request)
                await response.write_eof()
        except (ConnectionError, TimeoutError):
            self._lose()

    async def write(self, data: bytes) -> None:
        """The next piece."""
        if self._gone or self._response is None or not data:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._response.write(data)
        except (ConnectionError, TimeoutError):
            self._lose()

    def hold(self, data: bytes) -> None:
        """The last piece, which leaves together with the end: one write instead of two."""
        self._last = data

    async def end(self) -> None:
        """It is complete."""
        if self._gone or self._response is None:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._response.write_eof(self._last)
        except (ConnectionError, TimeoutError):
            self._lose()

    def break_off(self) -> None:
        """It will not be complete: the connection breaks, so that nobody takes it for whole."""
        self._gone = True
        if self._request.transport is not None:
            self._request.transport.abort()

    def _lose(self) -> None:
        self._gone = True
        self._hung_up()
