"""How messages become bytes and bytes messages: four bytes of length (big-endian), then JSON with the message's `type`.

No I/O here: feed a Decoder whatever came, in whatever pieces; write what `encode` gives.
"""

from __future__ import annotations

import json
import typing
from typing import Any

from msgspec.structs import asdict

from koubou.errors import ProtocolError
from koubou.wire import hand_messages, messages
from koubou.wire.codec import to_json, value_of

LIMIT = 64 * 1024 * 1024
"""The longest message, in bytes. A request body of this size is far beyond every model's window."""

FROM_WORKER: tuple[type, ...] = typing.get_args(messages.FromWorker)
TO_WORKER: tuple[type, ...] = typing.get_args(messages.ToWorker)
FROM_HAND: tuple[type, ...] = typing.get_args(hand_messages.FromHand)
TO_HAND: tuple[type, ...] = typing.get_args(hand_messages.ToHand)

_HEADER = 4
_SPOKEN = (
    "speaks version {theirs} of the wire, this end version {ours}: stop the workshop and start it again, "
    "so that master and workers are of one installation"
)


Message = messages.FromWorker | messages.ToWorker | hand_messages.FromHand | hand_messages.ToHand


def encode(message: Message) -> bytes:
    """The bytes of one message. Raises ProtocolError for what JSON cannot say or what is longer than LIMIT."""
    kind = type(message).__name__
    try:
        payload = to_json({**asdict(message), "type": kind})
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"{kind} holds what JSON cannot say ({type(error).__name__})") from None
    if len(payload) > LIMIT:
        raise ProtocolError(f"{kind} is {len(payload)} bytes long; the wire takes {LIMIT}")
    return len(payload).to_bytes(_HEADER, "big") + payload


class Decoder:
    """Puts messages together again. `accepts` are the classes that the other end may send."""

    def __init__(self, accepts: tuple[type, ...]) -> None:
        self._accepts = {cls.__name__: cls for cls in accepts}
        self._bytes = bytearray()
        self._damage: ProtocolError | None = None

    def feed(self, data: bytes) -> list[Any]:
        """The messages that `data` completes, in order.

        Raises ProtocolError for damage; what came whole before it is returned first, and the next call raises. After
        that the wire is of no further use.
        """
        if self._damage is not None:
            raise self._damage
        self._bytes += data
        found: list[Any] = []
        try:
            while (payload := self._next()) is not None:
                found.append(self._message(payload))
        except ProtocolError as damage:
            self._damage = damage
            if not found:
                raise
        return found

    def end(self) -> None:
        """The other end has closed. Raises ProtocolError if that was in the middle of a message."""
        if self._damage is not None:
            raise self._damage
        if self._bytes:
            raise ProtocolError("the wire ended in the middle of a message: the other end died while it spoke")

    def _next(self) -> bytearray | None:
        if len(self._bytes) < _HEADER:
            return None
        end = _HEADER + int.from_bytes(self._bytes[:_HEADER], "big")
        if end > _HEADER + LIMIT:
            raise ProtocolError(f"a message of {end - _HEADER} bytes is announced; the wire takes {LIMIT}")
        if len(self._bytes) < end:
            return None
        payload = self._bytes[_HEADER:end]
        del self._bytes[:end]
        return payload

    def _message(self, payload: bytearray) -> Any:
        try:
            members = json.loads(payload.decode("utf-8"))
        except (ValueError, RecursionError):
            raise ProtocolError("a message is not JSON") from None
        kind = members.get("type") if type(members) is dict else None
        cls = self._accepts.get(kind) if type(kind) is str else None
        if cls is None:
            raise ProtocolError(f"a message of an unknown type came; {', '.join(self._accepts)} are known")
        if (theirs := members.get("version", messages.VERSION)) != messages.VERSION and kind in _VERSIONED:
            spoken = repr(theirs) if type(theirs) is int else "?"
            raise ProtocolError(f"the other end {_SPOKEN.format(theirs=spoken, ours=messages.VERSION)}")
        return value_of(cls, members)


_VERSIONED = frozenset({"Hello", "Welcome"})
