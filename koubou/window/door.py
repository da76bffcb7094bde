"""The door: what every request passes before a route hears of it. Names, origins, tokens, sizes, rates, times."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from koubou.config.hosts import is_loopback
from koubou.config.window_settings import WindowSettings
from koubou.errors import KoubouError
from koubou.window.callers import Callers, Guesses, Known, Rates
from koubou.window.notes import Notes
from koubou.window.places import Places
from koubou.window.problems import Trouble, answer, trouble_of
from koubou.window.window import Window

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLER = "koubou.caller"
PROTOCOL, BEARER = "koubou.v1", "bearer."
"""Of a WebSocket, where a browser cannot send a header: `Sec-WebSocket-Protocol: koubou.v1, bearer.kbu_…`."""
_OPEN = ("/healthz", "/readyz", "/api/openapi.json")
_PAGE = "/page/"
_STRANGERS = 64
"""Requests at once for what needs no token, apart from those of the API; and as many wait for being turned away."""
_BODIES = 8
"""So many of the largest bodies are kept at once, of all together."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Door:
    """ASGI around the routes; who comes through is noted in the scope under CALLER."""

    def __init__(self, app: App, window: Window) -> None:
        self._app = app
        self._settings = window.settings
        self._callers = Callers(window)
        self._guesses = Guesses()
        self._rates = Rates(window.settings.requests_per_minute)
        self._places = Places(window.settings.connections)
        self._strangers = Places(_STRANGERS)
        self._bytes = Places(window.settings.max_body * _BODIES)
        self._waiting = 0
        self._notes = Notes(window)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        await self._admit(scope, receive, _with_headers(scope, send))

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = self._address(scope)
        places = self._strangers if _is_open(scope) else self._places
        try:
            who = await self._let_in(scope, address)
            if not places.take(who):
                raise Trouble(503, "too_many", "too many are here at once", headers={"retry-after": "2"})
        except Trouble as trouble:
            await self._turn_away(scope, receive, send, trouble)
            return
        except KoubouError as error:
            await _refuse(scope, receive, send, trouble_of(error))
            return
        body = _Body(receive, self._settings, self._bytes, who)
        try:
            await self._app(scope, body.receive, self._noticing(scope, send))
        finally:
            places.leave(who)
            body.let_go()

    async def _let_in(self, scope: Scope, address: str) -> str:
        """By what he is counted who comes in. Raises Trouble for who does not, BoardUnavailable."""
        headers = _headers(scope)
        self._check_host(headers)
        _check_origin(headers)
        if _is_open(scope):
            who = f"open {address}"
            self._check_rate(who)
        else:
            known = await self._who(scope, headers, address)
            who = known.token or address
            self._check_rate(who)
            if known.token is not None:
                self._notes.used(known.token)
            scope[CALLER] = known
            scope["koubou.again"] = lambda: self._who(scope, headers, address)
        self._check_length(headers)
        return who

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send, trouble: Trouble) -> None:
        """Answer; who came with what is no token waits for it, as long as not too many do."""
        address = self._address(scope)
        if trouble.status == 401 and _bearer(scope, _headers(scope)) is not None:
            self._notes.refused(f"api {address}")
            delay = self._guesses.delay(address)
            if self._waiting < _STRANGERS:
                self._waiting += 1
                try:
                    await asyncio.sleep(delay)
                finally:
                    self._waiting -= 1
        await _refuse(scope, receive, send, trouble)

    def _noticing(self, scope: Scope, send: Send) -> Send:
        """The same; what somebody's role does not reach is told to the master."""

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message.get("status") == 403 and CALLER in scope:
                known: Known = scope[CALLER]
                self._notes.refused(known.caller.source, known.token)
            await send(message)

        return sending

    def _address(self, scope: Scope) -> str:
        if self._settings.behind_proxy and (forwarded := _headers(scope).get("x-forwarded-for")):
            return forwarded.rpartition(",")[2].strip()[:60]
        client = scope.get("client")
        return str(client[0]) if client and client[0] else "unix"

    async def _who(self, scope: Scope, headers: dict[str, str], address: str) -> Known:
        # Whoever was passed on by a proxy is not of this machine, whatever the address says.
        is_local = is_loopback(address) and not headers.keys() & {"x-forwarded-for", "forwarded", "via"}
        return await self._callers.of(_bearer(scope, headers), address, is_local=is_local)

    def _check_host(self, headers: dict[str, str]) -> None:
        """Against names that lead here without being ours (DNS rebinding)."""
        host = headers.get("host", "").lower()
        name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
        if name in ("localhost", *self._settings.hosts) or _is_address(name):
            return
        if str(self._settings.listen).startswith("unix:"):
            return
        raise Trouble(421, "wrong_host", "this name is not ours; window.hosts has those that are")

    def _check_rate(self, who: str) -> None:
        if wait := self._rates.take(who):
            after = str(max(1, round(wait + 0.5)))
            raise Trouble(429, "too_many", "too many requests in a minute", headers={"retry-after": after})

    def _check_length(self, headers: dict[str, str]) -> None:
        told = headers.get("content-length", "0")
        if not told.isdecimal() or len(told) > 15:
            raise Trouble(400, "bad_request", "Content-Length is no length")
        if "content-length" in headers and "transfer-encoding" in headers:
            # Of the two a proxy may have believed the other, and take what is left of this request for another one.
            close = {"connection": "close"}
            raise Trouble(400, "bad_request", "a request says its length once, not twice", headers=close)
        if int(told) > self._settings.max_body:
            raise _too_large(self._settings.max_body)


class _Body:
    """What a request carries: not too large, not too slow, and not more of all together than there is room for."""

    def __init__(self, receive: Receive, settings: WindowSettings, room: Places, who: str) -> None:
        self._receive = receive
        self._most = settings.max_body
        self._room = room
        self._who = who
        self._deadline = asyncio.get_running_loop().time() + settings.timeout / 1000
        self._size = 0
        self._is_whole = False

    async def receive(self) -> MutableMapping[str, Any]:
        """The next part. Raises Trouble."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow() from None
        new = len(message.get("body", b""))
        if self._size + new > self._most:
            raise _too_large(self._most)
        if not self._room.take(self._who, new):
            close = {"connection": "close", "retry-after": "2"}
            raise Trouble(503, "too_many", "too much is being sent at once", headers=close)
        self._size += new
        self._is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def let_go(self) -> None:
        """It is not kept any longer."""
        self._room.leave(self._who, self._size)
        self._size = 0


def _with_headers(scope: Scope, send: Send) -> Send:
    """The same, which says with every answer what a browser must not do with it."""
    is_page = scope["path"] == "/" or scope["path"].startswith(_PAGE)

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = [*message.get("headers", ()), *_HEADERS]
            if not is_page and not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _is_open(scope: Scope) -> bool:
    """Whether a path tells nothing of the workshop: then it needs no token."""
    path = scope["path"]
    return scope["type"] == "http" and (path == "/" or path in _OPEN or path.startswith(_PAGE))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _check_origin(headers: dict[str, str]) -> None:
    """A page of somebody else's has no business here: no request of a browser comes from another origin."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        raise Trouble(403, "not_allowed", "pages of other origins may not ask here")


def _bearer(scope: Scope, headers: dict[str, str]) -> str | None:
    scheme, _, words = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return words.strip()
    if scheme:
        return ""
    if scope["type"] == "websocket":
        offered = [word.strip() for word in headers.get("sec-websocket-protocol", "").split(",")]
        return next((word.removeprefix(BEARER) for word in offered if word.startswith(BEARER)), None)
    return None


async def _refuse(scope: Scope, receive: Receive, send: Send, trouble: Trouble) -> None:
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await answer(trouble)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": trouble.detail[:100]})


def _too_slow() -> Trouble:
    return Trouble(408, "slow", "the request did not arrive in time", headers={"connection": "close"})


def _too_large(most: int) -> Trouble:
    return Trouble(413, "too_large", f"a request may have {most:,} bytes", headers={"connection": "close"})
