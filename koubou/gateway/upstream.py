"""The way to the provider of a tier: its connections, its keys, and one call from the first byte to the last."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping

import aiohttp
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from koubou.errors import CannotServe
from koubou.gateway.events import Events
from koubou.gateway.headers import Headers, to_agent, to_provider
from koubou.gateway.outlet import Outlet
from koubou.model.call import Bill, ErrorClass
from koubou.model.instant import Instant, Milliseconds
from koubou.model.tier import Tier
from koubou.providers.answer import Answer, Listener
from koubou.providers.completion import Completion
from koubou.providers.keys import Keys
from koubou.providers.message import Message
from koubou.providers.response import Response
from koubou.providers.trust import KEEP, authorities, object_of, obstacle, usable_keys
from koubou.rules.body_fields import Api
from koubou.rules.model_list import root_of
from koubou.rules.provider_errors import bill_of, plain_error, read_error, read_retry_after
from koubou.rules.rate_headers import quiet_for

_CONNECT = 10.0
_STALL: Milliseconds = 300_000
"""A provider that says nothing for so long (or for the tier's time-out) says nothing more."""
_ONE_PIECE = 1024 * 1024
_LONGEST = 64 * 1024 * 1024
_LONGEST_ERROR = 256 * 1024


class Sending(Struct, kw_only=True):
    """A call that is sent: `whole_usage` says whether the agent wants the chunk of usage that we asked for."""

    api: Api
    body: bytes
    headers: Headers
    beta: bool
    streamed: bool
    keeps_usage: bool
    keeps_body: bool = False
    sent: bool = False
    first_at: Instant | None = None
    answer_bytes: int = 0
    answer: bytes = b""

    def write(self, text: str) -> None:  # noqa: ARG002 - what a listener takes
        """The text of an answer is the agent's concern; its first piece has a time."""
        if self.first_at is None:
            self.first_at = time.time_ns() // 1_000_000

    def came(self, data: bytes) -> None:
        """Bytes of the answer, as they came."""
        self.answer_bytes += len(data)
        if self.keeps_body:
            self.answer += data


class Upstream:
    """Serves one tier. Connections are kept, and shared by the runs of a worker."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...]) -> None:
        """Raises CannotServe."""
        self._tier = tier
        self._keys = usable_keys(tier, api_keys)
        self._keyring = Keys(api_keys)
        self._trusted = authorities()
        chat = str(_address(tier, tier.base_url.rstrip("/"))).rstrip("/")
        # Anthropic's own name for the address has no version in it, and may have one, whatever serves the tier.
        messages = _address(tier, root_of(tier).removesuffix("/v1")) / "v1" / "messages"
        self._beta = messages.with_query(beta="true")
        self._addresses: Mapping[Api, URL] = {
            "chat": URL(f"{chat}/chat/completions", encoded=True),
            "responses": URL(f"{chat}/responses", encoded=True),
            "messages": messages,
        }
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        """Make ready; connections are made as they are needed."""
        stall = min(self._tier.timeout, _STALL) / 1000
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP, ssl=self._trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=stall),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            read_bufsize=1024 * 1024,
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._session.close()

    async def answer(self, sending: Sending, outlet: Outlet) -> Answer:
        """Send it with the key whose turn it is, and pass the answer on as it comes. What goes wrong is no exception.

        What has not begun to be answered when this ends is for the caller to answer.
        """
        answer = await self._keyring.answer(
            lambda place: self._ask(sending, outlet, self._keys[place] if self._keys else None)
        )
        if self._keyring.are_quoted_in(sending.answer):
            sending.answer = b""  # it is not kept
        return answer

    async def _ask(self, sending: Sending, outlet: Outlet, key: str | None) -> Answer:
        headers = to_provider(sending.api, sending.headers, key, streamed=sending.streamed)
        gatherer = _GATHERERS[sending.api](sending)
        sending.sent = True  # until there is evidence that it was not
        try:
            async with self._session.post(
                self._url(sending), data=_payload(sending.body), headers=headers, allow_redirects=False
            ) as response:
                if response.status >= 300:
                    return await self._refused(response, outlet, sending)
                quiet = quiet_for(_lower(response.headers), _now())
                if _is_whole(response):
                    return replace(await _whole(response, gatherer, outlet, sending), quiet_for=quiet)
                await _stream(response, gatherer, outlet, sending)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            sending.sent = False
            code = obstacle(error, aiohttp.ConnectionTimeoutError)
            return Answer(bill=Bill.NONE, error=plain_error(ErrorClass.UNREACHABLE, code=code))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # A complete answer stays one when the connection breaks behind it; only its usage may be missing then.
            if not gatherer.finished:
                kind = _kind(error)
                return Answer(bill=bill_of(kind), error=plain_error(kind))
        return replace(gatherer.ending(), quiet_for=quiet)

    def _url(self, sending: Sending) -> URL:
        return self._beta if sending.api == "messages" and sending.beta else self._addresses[sending.api]

    async def _refused(self, response: aiohttp.ClientResponse, outlet: Outlet, sending: Sending) -> Answer:
        """What an error answer, read to its end, comes to; it is passed on as it is, but for one that says our key."""
        data = await _read(response, _LONGEST_ERROR)
        sending.came(data)
        headers = _lower(response.headers)
        said = object_of(data)
        error, bill = read_error(
            response.status,
            said,
            errors_are_billed=self._tier.errors_are_billed,
            retry_after=read_retry_after(headers, _now()),
        )
        if said is not None and response.status >= 400 and not self._keyring.are_quoted_in(data):
            await outlet.whole(response.status, to_agent(response.headers), data)
        return Answer(bill=bill, error=error, quiet_for=quiet_for(headers, _now()))


_GATHERERS: Mapping[Api, Callable[[Listener], Completion | Response | Message]] = {
    "chat": Completion,
    "responses": Response,
    "messages": Message,
}


async def _whole(
    response: aiohttp.ClientResponse, gatherer: Completion | Response | Message, outlet: Outlet, sending: Sending
) -> Answer:
    """An answer in one piece, passed on once it is known to be one."""
    data = await _read(response, _LONGEST)
    sending.came(data)
    said = object_of(data)
    if said is None:
        return Answer(bill=Bill.UNKNOWN, error=plain_error(ErrorClass.PROXY))
    gatherer.take(said)
    await outlet.whole(response.status, to_agent(response.headers), data)
    return gatherer.ending()


async def _stream(
    response: aiohttp.ClientResponse, gatherer: Completion | Response | Message, outlet: Outlet, sending: Sending
) -> None:
    """Events, each piece passed on as it came. Where it was cut, the agent's connection is left to be broken."""
    await outlet.begin(response.status, to_agent(response.headers))
    events = Events()
    filtered = sending.api == "chat" and not sending.keeps_usage
    last = b""
    async for piece in response.content.iter_any():
        sending.came(piece)
        kept = []
        for raw, said in events.feed(piece):
            gatherer.take(said)
            if filtered and not _is_only_usage(said):
                kept.append(raw)
        passed = b"".join(kept) if filtered else piece
        if response.content.at_eof():
            last = passed
        else:
            await outlet.write(passed)
    outlet.hold(last + events.rest if filtered else last)


def _payload(body: bytes) -> bytes | io.BytesIO:
    """The library warns of more than a megabyte in one piece; as a file it is sent in several."""
    return body if len(body) <= _ONE_PIECE else io.BytesIO(body)


def _is_only_usage(said: object) -> bool:
    """Whether it is the chunk of a chat completion that an agent did not ask for, and we did."""
    match said:
        case {"choices": [], "usage": Mapping()}:
            return True
        case _:
            return False


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """All of it. Raises ValueError where it does not end."""
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > most:
            raise ValueError("an answer without an end")
    return bytes(data)


def _is_whole(response: aiohttp.ClientResponse) -> bool:
    """Whether it is no stream of events, but an answer in one piece."""
    kind = response.headers.get("content-type", "")
    return "json" in kind or "html" in kind


def _kind(error: Exception) -> ErrorClass:
    match error:
        case TimeoutError():
            return ErrorClass.TIMEOUT
        case aiohttp.ClientError():
            return ErrorClass.CUT
        case _:
            return ErrorClass.PROXY


def _lower(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _address(tier: Tier, root: str) -> URL:
    try:
        url = URL(root)
    except ValueError:
        url = URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotServe(f"tier {tier.name}: its base_url cannot be used", "mend it in the settings")
    return url


def _now() -> Instant:
    return time.time_ns() // 1_000_000
