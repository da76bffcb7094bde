"""The door: what every request passes before a route hears of it. Names, origins, tokens, sizes, rates, times."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from koubou.errors import KoubouError
from koubou.window.callers import Callers, Guesses, Known, Rates, is_loopback
from koubou.window.changes import tell
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
_BETWEEN_NOTES = 60.0
_MOST_NOTED = 1_000
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
        self._inside = 0
        self._window = window
        self._noted: dict[str, float] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._admit(scope, receive, _with_headers(scope, send))
        finally:
            self._inside -= 1

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = self._address(scope)
        try:
            if self._inside > self._settings.connections:
                raise Trouble(503, "too_many", "too many are here at once", headers={"retry-after": "2"})
            headers = _headers(scope)
            self._check_host(headers)
            _check_origin(headers)
            if not _is_open(scope):
                known = await self._who(scope, headers, address)
                self._check_rate(known.token or address)
                if known.token is not None:
                    self._note("token_used", known.token, token=known.token)
                scope[CALLER] = known
                scope["koubou.again"] = lambda: self._who(scope, headers, address)
            self._check_length(headers)
        except Trouble as trouble:
            if trouble.status == 401 and "authorization" in _headers(scope):
                self._note("refused", address, **{"from": f"api {address}"})
                await asyncio.sleep(self._guesses.delay(address))
            await _refuse(scope, receive, send, trouble)
            return
        except KoubouError as error:
            await _refuse(scope, receive, send, trouble_of(error))
            return
        await self._app(scope, self._bounded(receive), send)

    def _address(self, scope: Scope) -> str:
        if self._settings.behind_proxy and (forwarded := _headers(scope).get("x-forwarded-for")):
            return forwarded.rpartition(",")[2].strip()[:60]
        client = scope.get("client")
        return str(client[0]) if client and client[0] else "unix"

    async def _who(self, scope: Scope, headers: dict[str, str], address: str) -> Known:
        # Whoever was passed on by a proxy is not of this machine, whatever the address says.
        is_local = is_loopback(address) and not headers.keys() & {"x-forwarded-for", "forwarded", "via"}
        return await self._callers.of(_bearer(scope, headers), address, is_local=is_local)

    def _note(self, verb: str, what: str, **words: str) -> None:
        """Tell the master, once a minute of each: he notes when a token was used, and who was turned away."""
        present, key = time.monotonic(), f"{verb} {what}"
        if present - self._noted.get(key, -_BETWEEN_NOTES) < _BETWEEN_NOTES:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[key] = present
        telling = asyncio.create_task(tell(self._window, verb, **words))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

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
        if int(told) > self._settings.max_body:
            raise _too_large(self._settings.max_body)

    def _bounded(self, receive: Receive) -> Receive:
        """The same, which raises Trouble for a body that is too large or comes too slowly."""
        loop = asyncio.get_running_loop()
        deadline, size, whole = loop.time() + self._settings.timeout / 1000, 0, False

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _too_slow() from None
            size += len(message.get("body", b""))
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            if size > self._settings.max_body:
                raise _too_large(self._settings.max_body)
            return message

        return bounded


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
