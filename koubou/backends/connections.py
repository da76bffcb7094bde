"""A tier's connections to its provider, whatever library speaks over them: with none of a client's hidden habits.

No redirects and no proxies from the environment: both carry a prompt, and the key, to another host than the settings
name. Connections are kept, and shared by the calls of a worker.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import httpx2

from koubou.backends.port import Answer, Sink
from koubou.model.call import Bill, ErrorClass
from koubou.model.instant import Instant, Milliseconds
from koubou.model.tier import Tier
from koubou.providers.keys import Keys
from koubou.providers.trust import KEEP, authorities, object_of, obstacle, usable_keys
from koubou.rules.provider_errors import plain_error, read_error, read_retry_after
from koubou.rules.rate_headers import quiet_for

_CONNECT = 10.0  # seconds; the limit of the whole call is the run's, and comes as a cancellation
PATIENCE = httpx2.Timeout(None, connect=_CONNECT)


class Call:
    """Notes the moment at which a request leaves: after the connection stands, before its first byte."""

    def __init__(self, sink: Sink) -> None:
        self.sent = False
        self.quiet_for: Milliseconds | None = None
        self._sink = sink

    def heard(self, headers: Mapping[str, str]) -> None:
        """The head of the answer: what it says of the provider's own limits."""
        self.quiet_for = quiet_for(headers, _now())

    async def trace(self, event: str, _details: Mapping[str, Any]) -> None:
        """What the library underneath says of its steps."""
        if event.endswith(".send_request_headers.started"):
            self.sent = True
            self._sink.sent()


class NotTheProvider(ValueError):
    """A 200 that is neither a stream of events nor JSON: the login page of a proxy, as a rule."""


class Connections:
    """Serves one tier. A key that is refused rests, and the next one serves."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...]) -> None:
        """Raises CannotServe."""
        self._errors_are_billed = tier.errors_are_billed
        self._call: ContextVar[Call] = ContextVar("call")
        # A server without keys ignores it, but the libraries want one.
        self.keys = usable_keys(tier, api_keys) or ("none",)
        self.http = httpx2.AsyncClient(
            trust_env=False,
            verify=authorities(),
            follow_redirects=False,
            timeout=PATIENCE,
            limits=httpx2.Limits(
                max_connections=tier.concurrency,
                max_keepalive_connections=tier.concurrency,
                keepalive_expiry=KEEP,
            ),
            event_hooks={"request": [self._watch]},
        )
        self._keys = Keys(api_keys)

    async def answer(self, ask: Callable[[int], Awaitable[Answer]]) -> Answer:
        """Have it asked with the key whose turn it is; `ask` is given its place among the keys."""
        return await self._keys.answer(ask)

    def begin(self, sink: Sink) -> Call:
        """A request is about to be sent by this task of the loop."""
        call = Call(sink)
        self._call.set(call)
        return call

    def refused(self, response: httpx2.Response) -> Answer:
        """What an error answer, read to its end, comes to."""
        error, bill = read_error(
            response.status_code,
            object_of(response.content),
            errors_are_billed=self._errors_are_billed,
            retry_after=read_retry_after(response.headers, _now()),
        )
        return Answer(bill=bill, error=error, quiet_for=quiet_for(response.headers, _now()))

    async def close(self) -> None:
        """Close them."""
        await self.http.aclose()

    async def _watch(self, request: httpx2.Request) -> None:
        request.extensions["trace"] = self._call.get().trace


def is_whole(response: httpx2.Response) -> bool:
    """Whether it is no stream of events, but an answer in one piece."""
    kind = response.headers.get("content-type", "")
    return "json" in kind or "html" in kind


async def whole_of(response: httpx2.Response) -> Mapping[str, Any]:
    """An answer in one piece. Raises NotTheProvider."""
    whole = object_of(await response.aread())
    if whole is None:
        raise NotTheProvider
    return whole


def unreachable(error: BaseException) -> Answer:
    """Nothing was sent; the code says what stood in the way of a connection: the first of its causes that is known."""
    return Answer(
        bill=Bill.NONE, error=plain_error(ErrorClass.UNREACHABLE, code=obstacle(error, httpx2.ConnectTimeout))
    )


def _now() -> Instant:
    return time.time_ns() // 1_000_000
