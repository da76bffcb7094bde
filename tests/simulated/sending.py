"""Bodies as they come in and go out, in ASGI's own messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


async def whole_body(receive: Any) -> bytes:
    """All of a request's body."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def overheard(receive: Any, heard: list[bytes]) -> Any:
    """The same, and every byte of a body is kept."""

    async def wrapped() -> Any:
        message = await receive()
        heard.append(message.get("body", b""))
        return message

    return wrapped


def start(status: int, kind: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    """The head of an answer."""
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *headers]}


async def send_whole(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """An answer in one piece: a page, or JSON."""
    kind = b"text/html" if body.startswith(b"<") else b"application/json"
    await send(start(status, kind, (b"content-length", str(len(body)).encode()), *headers))
    await send({"type": "http.response.body", "body": body})


async def send_piece(send: Any, piece: bytes) -> None:
    """A part of a body, after which more comes."""
    await send({"type": "http.response.body", "body": piece, "more_body": True})


def with_headers(send: Any, headers: Mapping[str, str]) -> Any:
    """The same, and these headers go with every answer."""

    async def wrapped(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] += [(name.encode(), value.encode()) for name, value in headers.items()]
        await send(message)

    return wrapped if headers else send
