"""What happens, as it happens: as server-sent events, and over a WebSocket. Both resume by the number of a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from starlette.status import (
    WS_1001_GOING_AWAY,
    WS_1003_UNSUPPORTED_DATA,
    WS_1008_POLICY_VIOLATION,
    WS_1013_TRY_AGAIN_LATER,
)

from koubou.errors import BoardUnavailable
from koubou.model.access import Caller
from koubou.window.asked import Asked, caller_of, check, may, window_of
from koubou.window.door import PROTOCOL
from koubou.window.problems import USUAL, Trouble, described
from koubou.window.streams import BEAT, EVENT_STREAM, HEARTBEAT, RETRY, STREAM_HEADERS, Stay, event
from koubou.window.window import Window

router = APIRouter(prefix="/api/v1/events", tags=["events"], responses=described(*USUAL))
_Farewell = tuple[int, str]
_LARGEST = 2**62


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}, "description": "Lines of the history."}
    },
    summary="What happens, as server-sent events",
)
async def events(
    request: Request,
    window: Asked,
    caller: Annotated[Caller, Depends(may("events"))],
    after: Annotated[
        int | None, Query(ge=0, lt=_LARGEST, description="After this line; from now on if not said.")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=20, description="Where a stream was cut.")] = None,
) -> Response:
    """Each event has the id of its line and a JSON object: id, at, event, task, status, reason, actor, source.

    `status` is how the task stands when the line is sent. A stream that says nothing for 15 seconds sends a comment.
    """
    if last_event_id:
        if not (last_event_id.isascii() and last_event_id.isdecimal()) or int(last_event_id) >= _LARGEST:
            raise Trouble(400, "bad_request", "Last-Event-ID is the number of a line")
        after = int(last_event_id)
    return StreamingResponse(_stream(request, window, caller, after), media_type=EVENT_STREAM, headers=STREAM_HEADERS)


@router.websocket("/ws")
async def events_ws(socket: WebSocket, after: int | None = None) -> None:
    """The same, one JSON object a message. A browser offers `koubou.v1, bearer.kbu_…` as protocols."""
    window, caller = window_of(socket), caller_of(socket)
    check(caller, "events")
    if after is not None and not 0 <= after < _LARGEST:
        raise Trouble(422, "unprocessable", "after is the number of a line")
    offered = socket.scope["subprotocols"]
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    telling = asyncio.create_task(_tell(socket, window, caller, after))
    hearing = asyncio.create_task(_hear(socket))
    try:
        ended, _ = await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
        if (word := ended.pop().result()) is not None:
            await socket.close(*word)
    finally:
        for each in (telling, hearing):
            each.cancel()
        await asyncio.gather(telling, hearing, return_exceptions=True)


async def _tell(socket: WebSocket, window: Window, caller: Caller, after: int | None) -> _Farewell | None:
    """With what the socket is to be closed; None where nobody is there any more."""
    stay = Stay(socket.scope)
    try:
        async with aclosing(window.tail.follow(caller, after, BEAT)) as lines:
            async for told in lines:
                if await stay.is_over():
                    return WS_1008_POLICY_VIOLATION, "the token opens nothing any more"
                for _, said in told:
                    await socket.send_text(said.decode())
    except (WebSocketDisconnect, RuntimeError):
        return None
    except BoardUnavailable:
        return WS_1013_TRY_AGAIN_LATER, "the board cannot be read now: come back after the last line"
    if window.is_ending:
        return WS_1001_GOING_AWAY, "the window is being closed: come back after the last line"
    return WS_1013_TRY_AGAIN_LATER, "too slow: come back after the last line"


async def _hear(socket: WebSocket) -> _Farewell | None:
    """Wait for the first word of whoever listens: his farewell, or what nobody here reads."""
    told = await socket.receive()
    if told["type"] == "websocket.disconnect":
        return None
    return WS_1003_UNSUPPORTED_DATA, "nothing is read here but the end"


async def _stream(request: Request, window: Window, caller: Caller, after: int | None) -> AsyncIterator[bytes]:
    yield RETRY
    stay = Stay(request.scope)
    async with aclosing(window.tail.follow(caller, after, BEAT)) as lines:
        async for told in lines:
            if await stay.is_over():
                return
            yield b"".join(event(said, id=number) for number, said in told) or HEARTBEAT
