"""Any server that speaks OpenAI's chat completions, through the `openai` library with its hidden habits switched off.

No retries (each is a call with a hold of its own), no redirects and no proxies from the environment (both carry a
prompt, and the key, to another host than the settings name).
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import Any

import httpx2
from msgspec.structs import replace
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, AsyncStream, OpenAIError

from koubou.backends.completion import Completion
from koubou.backends.keyring import Keyring
from koubou.backends.port import Answer, CannotServe, Sink
from koubou.model.call import Bill, ErrorClass
from koubou.model.instant import Instant, Milliseconds
from koubou.model.tier import Tier
from koubou.rules.provider_errors import bill_of, plain_error, read_error, read_retry_after
from koubou.rules.rate_headers import quiet_for

_CONNECT = 10.0  # seconds; the limit of the whole call is the run's, and comes as a cancellation
_KEEP = 30.0  # seconds that an idle connection is kept


class ChatBackend:
    """Serves one tier; connections are kept and shared by its calls."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...]) -> None:
        self._errors_are_billed = tier.errors_are_billed
        self._call: ContextVar[_Call] = ContextVar("call")
        keys = api_keys or ("none",)  # a server without keys ignores it, but the library wants one
        if not all(key.isascii() and key.isprintable() and " " not in key for key in keys):
            raise CannotServe(f"tier {tier.name}: its API key is no key (blanks, line ends)", "set the key again")
        try:
            trusted = _authorities(os.environ)
        except OSError:
            raise CannotServe("SSL_CERT_FILE or SSL_CERT_DIR cannot be read", "mend or unset it") from None
        patience = httpx2.Timeout(None, connect=_CONNECT)
        self._http = httpx2.AsyncClient(
            trust_env=False,
            verify=trusted,
            follow_redirects=False,
            timeout=patience,
            limits=httpx2.Limits(
                max_connections=tier.concurrency,
                max_keepalive_connections=tier.concurrency,
                keepalive_expiry=_KEEP,
            ),
            event_hooks={"request": [self._watch]},
        )
        try:
            # A client for each key, over the same connections.
            self._clients = [
                AsyncOpenAI(
                    api_key=key, base_url=tier.base_url, max_retries=0, timeout=patience, http_client=self._http
                )
                for key in keys
            ]
        except (OpenAIError, httpx2.InvalidURL, ValueError):
            raise CannotServe(f"tier {tier.name}: its base_url cannot be used", "mend it in the settings") from None
        self._keyring = Keyring(len(keys))
        self._keys = api_keys

    async def answer(self, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Send the request as it is, with the key whose turn it is; one that is refused rests, and the next serves."""
        began = time.monotonic()
        place = self._keyring.turn(began)
        answer = await self._ask(self._clients[place], body, sink)
        if answer.error is None:
            self._keyring.served(place, began)
        elif answer.error.kind in (ErrorClass.AUTH, ErrorClass.QUOTA):
            now = time.monotonic()
            self._keyring.refused(place, now)
            answer = replace(answer, error=replace(answer.error, another_key=self._keyring.has_another(now)))
        return self._without_keys(answer)

    async def _ask(self, client: AsyncOpenAI, body: Mapping[str, Any], sink: Sink) -> Answer:
        """Read the answer as it grows; a server may also give it whole."""
        call = _Call(sink)
        self._call.set(call)
        completion = Completion(sink)
        try:
            stream = await client.post(
                "/chat/completions", body=dict(body), cast_to=object, stream=True, stream_cls=AsyncStream[object]
            )
            call.quiet_for = quiet_for(stream.response.headers, _now())
            async with stream:
                async for chunk in _chunks(stream):
                    completion.take(chunk)
        except APIStatusError as error:
            return self._refused(error.response)
        except (APIError, ValueError) as error:  # ValueError: an event that is not JSON
            # A complete answer stays one when the connection breaks behind it; only its usage is missing then.
            if not completion.finished:
                return _broken(error, completion, sent=call.sent)
        return replace(completion.ending(), quiet_for=call.quiet_for)

    def _without_keys(self, answer: Answer) -> Answer:
        """A server that says our key again is not quoted."""
        said = (answer.model, answer.finish_reason, answer.error and f"{answer.error.code} {answer.error.message}")
        if not any(key.lower() in (word or "").lower() for key in self._keys for word in said):
            return answer
        error = answer.error
        if error is not None:
            error = replace(error, code="", message=plain_error(error.kind, status=error.status).message)
        return replace(answer, model=None, finish_reason=answer.finish_reason and "other", error=error)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _watch(self, request: httpx2.Request) -> None:
        request.extensions["trace"] = self._call.get().trace

    def _refused(self, response: httpx2.Response) -> Answer:
        wait = read_retry_after(response.headers, _now())
        error, bill = read_error(
            response.status_code,
            _object(response.content),
            errors_are_billed=self._errors_are_billed,
            retry_after=wait,
        )
        return Answer(bill=bill, error=error, quiet_for=quiet_for(response.headers, _now()))


def _now() -> Instant:
    return time.time_ns() // 1_000_000


def _authorities(environment: Mapping[str, str]) -> ssl.SSLContext | bool:
    """The operator's own certificate authorities where OpenSSL's two variables name them, else the system's."""
    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    return ssl.create_default_context(cafile=file, capath=folder) if file or folder else True


class _Call:
    """Notes the moment at which a request leaves: after the connection stands, before its first byte."""

    def __init__(self, sink: Sink) -> None:
        self.sent = False
        self.quiet_for: Milliseconds | None = None
        self._sink = sink

    async def trace(self, event: str, _details: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started"):
            self.sent = True
            self._sink.sent()


class _NotTheProvider(ValueError):
    """A 200 that is neither a stream of events nor JSON: the login page of a proxy, as a rule."""


async def _chunks(stream: AsyncStream[object]) -> AsyncIterator[object]:
    kind = stream.response.headers.get("content-type", "")
    if "json" in kind or "html" in kind:
        whole = _object(await stream.response.aread())
        if whole is None:
            raise _NotTheProvider
        yield whole
    else:
        async for chunk in stream:
            yield chunk


def _broken(error: APIError | ValueError, completion: Completion, *, sent: bool) -> Answer:
    match error:
        case APIConnectionError() if not sent:
            return Answer(bill=Bill.NONE, error=plain_error(ErrorClass.UNREACHABLE, code=_obstacle(error)))
        case APIConnectionError():
            kind = ErrorClass.CUT
        case APIError(body=body) if body is not None:
            completion.take({"error": body})
            return completion.ending()
        case _:
            kind = ErrorClass.PROXY
    return Answer(bill=bill_of(kind), error=plain_error(kind))


def _obstacle(error: BaseException) -> str:
    """A word for what stood in the way of a connection: the first of its causes that is known."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return "certificate"
            case ssl.SSLError():
                return "tls"
            case socket.gaierror():
                return "dns"
            case ConnectionRefusedError():
                return "refused"
            case httpx2.ConnectTimeout():
                return "connect_timeout"
        cause = cause.__cause__ or cause.__context__
    return "connect"


def _object(data: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
