"""Server-sent events: how they are written, and what keeps a stream going."""

from __future__ import annotations

from fastapi import Request

EVENT_STREAM = "text/event-stream"
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""The second keeps nginx from gathering what is to be seen at once."""
BEAT = 15.0
"""Seconds after which a stream that says nothing shows that it lives, and who watches is looked up again."""
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


async def may_stay(scope: object) -> bool:
    """Whether who watches may still do so: a token may have been revoked meanwhile."""
    from koubou.errors import KoubouError
    from koubou.window.problems import Trouble

    try:
        await scope["koubou.again"]()  # type: ignore[index]
    except Trouble:
        return False
    except KoubouError:
        return True  # the board cannot be read just now: that takes nobody's right away
    return True
