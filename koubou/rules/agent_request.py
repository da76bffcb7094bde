"""A request of an agent, read, checked and put together again: what is sent is what was checked, byte for byte.

What a run has sent before is known by its hash, and neither read nor looked at again: an agent sends its whole
conversation with every call.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from koubou.model.tier import Tier
from koubou.rules.agent_fields import (
    CAPS,
    CONVERSATION,
    FLEETING,
    capped,
    is_left_out,
    pinned,
    without_extras,
    without_marks,
)
from koubou.rules.agent_texts import text_of
from koubou.rules.body_fields import Api, refused_field
from koubou.rules.bound import MESSAGE_TOKENS, REQUEST_TOKENS, TOOLS_TOKENS, bounded_input

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])
_VALUE = msgspec.json.Decoder()
_SMALL = 64
_MOST_KNOWN = 64 * 1024 * 1024
"""Bytes of what a run has sent that are kept. Beyond that all is forgotten: it costs a second look, no more."""


class NotAllowed(Exception):
    """A request that is not sent. `reason` is the end of a sentence; it names fields, and quotes nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Part(Struct, frozen=True):
    """A field or an item, as it is sent. `identity` is the hash of what it says, `text` what is to be looked at."""

    sent: bytes
    identity: bytes
    text: str = ""


class Request(Struct, kw_only=True):
    """A request that may be sent, once it has a cap. `fresh` are the parts that this run has not sent before."""

    api: Api
    fields: dict[str, Part]
    items: list[Part]
    fresh: dict[bytes, Part]
    fixed: frozenset[bytes]
    cap: int | None
    thinking: object
    streamed: bool
    wants_usage: bool
    model: str
    is_listed: bool

    def texts(self) -> Iterator[tuple[bytes, str, str]]:
        """What is to be looked at: its hash, a name for it, and its text."""
        for place, (key, part) in enumerate(self.fresh.items()):
            if part.text:
                yield key, f"part {place}", part.text

    def head(self, tier: Tier) -> bytes:
        """The bytes that are sent, but for the end that says the output cap."""
        said: dict[str, Any] = {**pinned(self.api, tier)}
        if self.api == "chat" and self.streamed:
            said["stream_options"] = {"include_usage": True}
        listed = b",".join(part.sent for part in self.items)
        members = [_member(name, part.sent) for name, part in self.fields.items()]
        members.append(_member(CONVERSATION[self.api], b"[" + listed + b"]" if self.is_listed else listed))
        members += [_member(name, msgspec.json.encode(value)) for name, value in said.items()]
        return b"{" + b",".join(members)

    def end(self, tier: Tier, cap: int) -> bytes:
        """What follows."""
        return b"," + _json(capped(self.api, tier, cap, self.thinking))[1:]

    def chain(self) -> list[bytes]:
        """Hashes of its beginnings: the last is that of all of it, the first that of everything but what was said."""
        lasting = sorted((name, part.identity) for name, part in self.fields.items() if name not in FLEETING)
        head = hashlib.blake2b(self.api.encode(), digest_size=16)
        head.update(repr(self.thinking).encode("utf-8", "surrogatepass"))
        for name, identity in lasting:
            head.update(name.encode("utf-8", "surrogatepass") + b"\0" + identity)
        links = [head.digest()]
        for part in self.items:
            links.append(hashlib.blake2b(links[-1] + part.identity, digest_size=16).digest())
        return links


class Memory:
    """What one run has sent so far, and what of it was answered."""

    def __init__(self) -> None:
        self._known: dict[bytes, Part] = {}
        self._known_bytes = 0
        self._answered: dict[bytes, int] = {}

    def read(self, api: Api, data: bytes) -> Request:
        """The request in these bytes. Raises NotAllowed."""
        fields = _members(data)
        fresh: dict[bytes, Part] = {}
        fixed: list[bytes] = []
        parts: dict[str, Part] = {}
        for name in [name for name in fields if name != CONVERSATION[api] and not is_left_out(api, name)]:
            key, part = self._part(api, name, fields[name], fresh, listed=False)
            parts[name] = part
            fixed.append(key)
        conversation = fields.get(CONVERSATION[api], b"[]")
        is_listed = conversation.lstrip()[:1] == b"["
        raws = _items(conversation) if is_listed else [conversation]
        items = [self._part(api, CONVERSATION[api], raw, fresh, listed=is_listed)[1] for raw in raws]
        return Request(
            api=api,
            fields=parts,
            items=items,
            fresh=fresh,
            fixed=frozenset(fixed),
            cap=_cap(api, fields),
            thinking=_checked(api, "thinking", fields) if api == "messages" else None,
            streamed=_value(fields.get("stream", b"false")) is True,
            wants_usage=_wants_usage(api, fields),
            model=_model(fields),
            is_listed=is_listed,
        )

    def allowed(self, request: Request) -> None:
        """Its parts were looked at, and need not be again."""
        new = {key: part for key, part in request.fresh.items() if key not in self._known}
        self._known_bytes += sum(len(part.sent) for part in new.values())
        if self._known_bytes > _MOST_KNOWN:
            self._known.clear()
            self._known_bytes = 0
            return
        for key, part in new.items():
            self._known[key] = Part(part.sent, part.identity)

    def answered(self, chain: Sequence[bytes], tokens: int) -> None:
        """The request of this chain was answered; its provider counted so many tokens, in and out."""
        self._answered[chain[-1]] = tokens

    def bound(self, tier: Tier, request: Request, body_bytes: int) -> int:
        """The most input tokens that a request of so many bytes can count as.

        Where it goes on from one that was answered, what its provider counted for that one is a bound of the beginning:
        only what was added counts in bytes.
        """
        most = bounded_input(tier, body_bytes + TOOLS_TOKENS, len(request.items))
        if not self._answered:
            return most
        links = request.chain()
        for length in range(len(request.items), 0, -1):
            if (counted := self._answered.get(links[length])) is not None:
                added = request.items[length:]
                grown = sum(len(part.sent) + MESSAGE_TOKENS for part in added)
                return min(most, counted + grown + REQUEST_TOKENS + TOOLS_TOKENS)
        return most

    def _part(self, api: Api, field: str, raw: bytes, fresh: dict[bytes, Part], *, listed: bool) -> tuple[bytes, Part]:
        # What may stand in one API, or in a list, need not be allowed in another place of the same name.
        place = f"{api} {listed} {field}".encode("utf-8", "surrogatepass")[:_SMALL]
        key = hashlib.blake2b(raw, digest_size=16, key=place).digest()
        part = self._known.get(key) or fresh.get(key)
        if part is None:
            try:
                part = fresh[key] = _new_part(api, field, raw, listed=listed)
            except RecursionError:
                raise NotAllowed("the request is nested too deeply") from None
        return key, part


def _new_part(api: Api, field: str, raw: bytes, *, listed: bool) -> Part:
    value = without_extras(api, field, _value(raw))
    if (reason := refused_field(api, {field: [value] if listed else value})) is not None:
        raise NotAllowed(reason)
    sent = _json(value)
    marked = b'"cache_control"' in sent
    plain = _json(without_marks(value)) if marked else sent
    return Part(sent, hashlib.blake2b(plain, digest_size=16).digest(), text_of(value))


def _members(data: bytes) -> dict[str, bytes]:
    """The members of the object, each as it stands there."""
    try:
        return {name: bytes(raw) for name, raw in _MEMBERS.decode(data).items()}
    except (msgspec.DecodeError, RecursionError):
        value = _lenient(data)
    if not isinstance(value, dict):
        raise NotAllowed("the request is no JSON object")
    return {name: _json(member) for name, member in value.items()}


def _items(data: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _ITEMS.decode(data)]
    except (msgspec.DecodeError, RecursionError):
        return [_json(item) for item in _lenient(data)]


def _value(data: bytes) -> Any:
    try:
        return _VALUE.decode(data)
    except msgspec.DecodeError:
        return _lenient(data)
    except RecursionError:
        raise NotAllowed("the request is nested too deeply") from None


def _lenient(data: bytes) -> Any:
    """Halves of surrogate pairs are JSON too, as escapes; programs in JavaScript send them."""
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotAllowed("the request is not JSON in UTF-8") from None


def _no_number(_: str) -> float:
    raise ValueError


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def _member(name: str, value: bytes) -> bytes:
    return _json(name) + b":" + value


def _checked(api: Api, field: str, fields: Mapping[str, bytes]) -> Any:
    value = _value(fields[field]) if field in fields else None
    if value is not None and (reason := refused_field(api, {field: value})) is not None:
        raise NotAllowed(reason)
    return value


def _cap(api: Api, fields: Mapping[str, bytes]) -> int | None:
    caps = [cap for name in CAPS[api] if (cap := _checked(api, name, fields)) is not None]
    return min(caps, default=None)


def _wants_usage(api: Api, fields: Mapping[str, bytes]) -> bool:
    match _checked(api, "stream_options", fields) if api == "chat" else None:
        case {"include_usage": True}:
            return True
        case _:
            return False


def _model(fields: Mapping[str, bytes]) -> str:
    model = _value(fields["model"]) if "model" in fields else None
    if not isinstance(model, str):
        raise NotAllowed("model must be text")
    return model
