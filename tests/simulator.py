"""A model provider that keeps its own bill: what the ledger of a workshop is held against.

It speaks chat completions and Anthropic's messages, plain and streamed, and does what it is told through
`POST /_behave`. One process, run as `python tests/simulator.py --portfile F`, or from a test:

    with Simulator() as provider:
        provider.behave(latency_ms=20, output_tokens=50, errors={"rate": 0.1})
        ...
        assert provider.bill()["nusd"] == settled

It shares no code with the product: its prices, its counting and its rounding are its own.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import math
import os
import pickle
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import anthropic_words

PRICES: Mapping[str, Mapping[str, float]] = {
    "gpt-5": {"input": 1.25, "output": 10, "cached_input": 0.125},
    "gpt-5-mini": {"input": 0.25, "output": 2, "cached_input": 0.025},
    "gpt-dear": {"input": 10, "output": 100},
}
"""USD per million tokens of models that were given no price at the start; any other model is free."""

REMEMBERED_REQUESTS = 5_000
STREAMED_PIECES = 8


class BrokenOffError(Exception):
    """The connection is to break here, in the middle of an answer."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What the provider does with a call. Probabilities are between 0 and 1.

    `errors` is either a list, used up call by call (None = answer), or probabilities by kind:
    rate, rate_silent (no Retry-After), quota, server, proxy, proxy_json, auth, context, not_found. While a model is
    `stalled`, its calls are taken and not answered. With `count_along` every piece of a stream says what was used up to
    there; with `cut_politely` an answer that is cut ends as if it were whole. A model that is `missing` is neither
    served nor listed. `headers` go with every answer.
    """

    latency_ms: float = 0
    stalled: bool = False
    stream_ms: float = 0
    output_tokens: int = 50
    tokens_per_byte: float = 0.25
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    answer: str | None = None
    echo: bool = False
    errors: Any = field(default_factory=dict)
    retry_after: float = 0.05
    cut_after_billing: float = 0
    cut_politely: bool = False
    count_along: bool = False
    bill_proxy_errors: bool = False
    missing_usage: float = 0
    redirect_to: str | None = None
    finish_reason: str | None = None
    missing: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def changed(self, wishes: Mapping[str, Any]) -> Behaviour:
        """This behaviour with `wishes` applied. Raises ValueError for a word that is none of its fields."""
        known = {each.name for each in fields(self)}
        if unknown := set(wishes) - known:
            raise ValueError(f"no such behaviour: {sorted(unknown)}; there are {sorted(known)}")
        changed = replace(self, **wishes)
        return replace(changed, errors=list(changed.errors)) if isinstance(changed.errors, list) else changed


@dataclass(kw_only=True)
class Page:
    """The bill of one model."""

    nusd: int = 0
    calls: int = 0
    answered: int = 0
    errors: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    hours: Counter[str] = field(default_factory=Counter)
    """Nano-dollars by the hour (ISO 8601, UTC) in which they were charged, as a provider's export has them."""


_COUNTS = tuple(each.name for each in fields(Page) if each.name != "hours")


class Provider:
    """The provider itself: behaviour, bill and memory."""

    def __init__(self, prices: Mapping[str, Mapping[str, float]], key: str | None) -> None:
        self.prices = prices
        self.first_keys = None if key is None else [key]
        self.forget()

    def forget(self) -> None:
        """As new: no bill, no memory, default behaviour."""
        self.keys = self.first_keys
        self.general = Behaviour()
        self.special: dict[str, Behaviour] = {}
        self.pages: dict[str, Page] = {}
        self.kinds: Counter[str] = Counter()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_REQUESTS)
        self.heard: list[bytes] = []
        self.wrong_keys: Counter[str] = Counter()
        self.random = random.Random(0)
        self.in_flight = 0
        self.peak = 0

    def behave(self, wishes: dict[str, Any]) -> None:
        """Change the behaviour for all models, or with `model` for one; `keys` are those that are accepted now."""
        self.keys = wishes.pop("keys", self.keys)
        if (seed := wishes.pop("seed", None)) is not None:
            self.random = random.Random(seed)
        model = wishes.pop("model", None)
        if model is None:
            self.general = self.general.changed(wishes)
            self.special = {name: each.changed(wishes) for name, each in self.special.items()}
        else:
            self.special[model] = self.special.get(model, self.general).changed(wishes)

    def behaviour(self, model: str) -> Behaviour:
        return self.special.get(model, self.general)

    def page(self, model: str) -> Page:
        return self.pages.setdefault(model, Page())

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def next_error(self, behaviour: Behaviour) -> str | None:
        """The kind of error that this call gets, if any."""
        if isinstance(behaviour.errors, list):
            return behaviour.errors.pop(0) if behaviour.errors else None
        roll = self.random.random()
        for kind, probability in behaviour.errors.items():
            if roll < probability:
                return str(kind)
            roll -= probability
        return None

    def charge(self, model: str, usage: Mapping[str, Any]) -> int:
        """Write a call on the bill, rounded up to the nano-dollar; what it costs."""
        page = self.page(model)
        price = self.prices.get(model, {})
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        fresh = usage["prompt_tokens"] - cached
        output = usage["completion_tokens"]
        # USD per million tokens is the same number as thousands of nano-dollars per token.
        cost: Fraction = 1000 * (
            fresh * _exact(price.get("input", 0))
            + cached * _exact(price.get("cached_input", price.get("input", 0)))
            + output * _exact(price.get("output", 0))
        )
        nusd = math.ceil(cost)
        page.nusd += nusd
        page.hours[time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime())] += nusd
        page.input_tokens += usage["prompt_tokens"]
        page.cached_tokens += cached
        page.output_tokens += output
        return nusd

    def remember(self, memory: Path) -> None:
        """Go on as the one who left this memory."""
        vars(self).update(pickle.loads(memory.read_bytes()))

    def leave(self, memory: Path) -> None:
        """Leave what was billed, heard and asked to whoever comes next; he behaves by default."""
        names = ("keys", "pages", "kinds", "requests", "heard", "wrong_keys", "peak")
        memory.write_bytes(pickle.dumps({name: getattr(self, name) for name in names}))

    def bill(self) -> dict[str, Any]:
        """The sums over all models, and each model's own page under `models`."""
        sums = {name: sum(getattr(page, name) for page in self.pages.values()) for name in _COUNTS}
        return {
            **sums,
            "usd": sums["nusd"] / 1e9,
            "models": {name: vars(page) for name, page in self.pages.items()},
            "kinds": dict(self.kinds),
            "wrong_keys": sum(self.wrong_keys.values()),
            "in_flight": self.in_flight,
            "peak": self.peak,
        }


def _exact(price: float) -> Fraction:
    return Fraction(str(price))


def count_input(request: Mapping[str, Any], body_bytes: int, tokens_per_byte: float) -> int:
    """Input tokens as a provider counts them: texts, schemas, tools, a few per message; never above the bytes."""
    messages = request.get("messages", [])
    texts = sum(len(_text_of(message).encode()) for message in messages)
    extras = sum(len(json.dumps(request[name])) for name in ("response_format", "tools") if request.get(name))
    return min(body_bytes, math.ceil(tokens_per_byte * (texts + extras)) + 4 * len(messages) + 3)


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def instance_of(schema: Mapping[str, Any]) -> Any:
    """A small value that meets a plain JSON Schema."""
    match schema:
        case {"const": value}:
            return value
        case {"enum": [first, *_]}:
            return first
        case {"type": "object"} | {"properties": _}:
            return {name: instance_of(part) for name, part in schema.get("properties", {}).items()}
        case {"type": "array"}:
            return [instance_of(schema.get("items", {}))] * schema.get("minItems", 1)
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return True
        case {"type": "null"}:
            return None
    return "x" * schema.get("minLength", 5)


def compose(request: Mapping[str, Any], behaviour: Behaviour, output_tokens: int) -> str:
    """The text of the answer: the given one, the question's, one that meets the schema, or as many words as tokens."""
    if behaviour.answer is not None:
        return behaviour.answer
    match request.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return json.dumps(instance_of(schema))
        case {"type": "json_object"}:
            return '{"answer": "yes"}'
    if behaviour.echo:
        return _text_of(request["messages"][-1])
    return " ".join(f"word{number}" for number in range(min(output_tokens, 500))) or "."


ERRORS: Mapping[str, tuple[int, str, str]] = {
    "rate": (429, "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    "rate_silent": (429, "rate_limit_exceeded", "Rate limit reached for requests."),
    "quota": (429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "server": (500, "server_error", "The server had an error while processing your request."),
    "overload": (503, "overloaded", "The engine is currently overloaded."),
    "auth": (401, "invalid_api_key", "Incorrect API key provided."),
    "context": (400, "context_length_exceeded", "This model's maximum context length is smaller than your request."),
    "not_found": (404, "model_not_found", "The model does not exist."),
}
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ChatCompletions:
    """POST …/v1/chat/completions, and …/v1/messages, as a bare ASGI endpoint because it must be fast.

    What stands before /v1 in the path is the door that the call came through, so that one provider can play several.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        body = await _whole_body(receive)
        provider = self.provider
        provider.in_flight += 1
        provider.peak = max(provider.peak, provider.in_flight)
        try:
            await self._answer(scope["path"], headers, body, send)
        finally:
            provider.in_flight -= 1

    async def _answer(self, path: str, headers: Mapping[bytes, bytes], body: bytes, send: Any) -> None:
        provider = self.provider
        request = json.loads(body)
        messages = path.endswith("/messages")
        if messages:
            request = anthropic_words.as_chat(request)
        model = str(request.get("model", ""))
        behaviour = provider.behaviour(model)
        page = provider.page(model)
        page.calls += 1
        key = (headers.get(b"x-api-key") or headers.get(b"authorization", b"")).decode().removeprefix("Bearer ")
        asked = {"at": time.time(), "door": path.split("/")[1], "model": model, "key": key, "body": body.decode()}
        asked |= {"nusd": 0, "tokens": 0}  # until they are charged
        provider.requests.append(asked)
        error = "not_found" if behaviour.missing else provider.next_error(behaviour)
        send = _with_headers(send, behaviour.headers)
        if provider.keys is not None and key not in provider.keys:
            provider.wrong_keys[key] += 1
            error = "auth"
        if behaviour.redirect_to:
            provider.kinds["redirect"] += 1
            await _send(send, 307, b"", (b"location", behaviour.redirect_to.encode()))
            return
        if behaviour.latency_ms:
            await asyncio.sleep(behaviour.latency_ms / 1000)
        while provider.behaviour(model).stalled:
            await asyncio.sleep(0.01)

        usage = _usage(request, behaviour, len(body))
        if error is not None:
            page.errors += 1
            provider.kinds[error] += 1
            if error.startswith("proxy") and behaviour.bill_proxy_errors:
                asked |= {"nusd": provider.charge(model, usage), "tokens": usage["total_tokens"]}
            await _send_error(send, error, behaviour, messages=messages)
            return
        # From here on the tokens are made, so they are billed, whatever becomes of the connection.
        asked |= {"nusd": provider.charge(model, usage), "tokens": usage["total_tokens"]}
        cut = provider.chance(behaviour.cut_after_billing)
        shown = None if provider.chance(behaviour.missing_usage) else usage
        capped = behaviour.output_tokens > usage["completion_tokens"]
        finish = behaviour.finish_reason or ("length" if capped else "stop")
        answer = Answer(
            id=f"chatcmpl-{page.calls}",
            model=model,
            text=compose(request, behaviour, usage["completion_tokens"]),
            finish=finish,
            usage=shown,
            cut=cut,
            politely=behaviour.cut_politely,
            count_along=behaviour.count_along,
            messages=messages,
        )
        if request.get("stream"):
            with_usage = bool((request.get("stream_options") or {}).get("include_usage"))
            await answer.stream(send, with_usage=with_usage, over=behaviour.stream_ms / 1000)
        else:
            await answer.whole(send)
        page.answered += 1


def _usage(request: Mapping[str, Any], behaviour: Behaviour, body_bytes: int) -> dict[str, Any]:
    cap = request.get("max_completion_tokens") or request.get("max_tokens") or behaviour.output_tokens
    output = min(cap, behaviour.output_tokens)
    prompt = count_input(request, body_bytes, behaviour.tokens_per_byte)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": min(behaviour.cached_tokens, prompt)},
        "completion_tokens_details": {"reasoning_tokens": min(behaviour.reasoning_tokens, output)},
    }


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer on its way out; when `cut`, the connection breaks before the end."""

    id: str
    model: str
    text: str
    finish: str
    usage: Mapping[str, Any] | None
    cut: bool
    politely: bool
    count_along: bool
    messages: bool = False

    async def whole(self, send: Any) -> None:
        encoded = json.dumps(self._body()).encode()
        if self.cut:
            await send(_start(200, b"application/json", (b"content-length", str(len(encoded)).encode())))
            await send({"type": "http.response.body", "body": encoded[: len(encoded) // 2], "more_body": True})
            raise BrokenOffError
        await _send(send, 200, encoded)

    async def stream(self, send: Any, *, with_usage: bool, over: float) -> None:
        await send(_start(200, b"text/event-stream"))
        events, ending = self._events(with_usage=with_usage)
        if self.cut:
            events = events[: len(events) // 2 + 1]
            await _send_piece(send, b"".join(events))
            if not self.politely:
                raise BrokenOffError
            await send({"type": "http.response.body", "body": ending[-1]})
            return
        if over:
            for event in events:
                await _send_piece(send, event)
                await asyncio.sleep(over / len(events))
            events = []
        await send({"type": "http.response.body", "body": b"".join([*events, *ending])})

    def _body(self) -> dict[str, Any]:
        if self.messages:
            return anthropic_words.whole(self.id, self.model, self.text, self.finish, self.usage)
        body: dict[str, Any] = {
            "id": self.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": self.text}, "finish_reason": self.finish}
            ],
        }
        if self.usage is not None:
            body["usage"] = self.usage
        return body

    def _events(self, *, with_usage: bool) -> tuple[list[bytes], list[bytes]]:
        """What comes while the answer grows, and what comes at its end."""
        size = max(1, math.ceil(len(self.text) / STREAMED_PIECES))
        texts = [self.text[start : start + size] for start in range(0, len(self.text), size)]
        if self.messages:
            return anthropic_words.stream(self.id, self.model, texts, self.finish, self.usage)
        ending = [b"data: [DONE]\n\n"]
        if with_usage and self.usage is not None:
            ending.insert(0, self._frame({"choices": [], "usage": self.usage}))
        return [self._event(piece) for piece in self._pieces(texts)], ending

    def _pieces(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts)]
        choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        return [*choices, {"index": 0, "delta": {}, "finish_reason": self.finish}]

    def _event(self, choice: Mapping[str, Any]) -> bytes:
        if not self.count_along or self.usage is None or choice["finish_reason"] is not None:
            return self._frame({"choices": [choice]})
        so_far = {"prompt_tokens": self.usage["prompt_tokens"], "completion_tokens": 1}
        return self._frame({"choices": [choice], "usage": so_far})

    def _frame(self, parts: Mapping[str, Any]) -> bytes:
        frame = {"id": self.id, "object": "chat.completion.chunk", "created": 1, "model": self.model, **parts}
        return b"data: " + json.dumps(frame).encode() + b"\n\n"


async def _whole_body(receive: Any) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _overheard(receive: Any, heard: list[bytes]) -> Any:
    """The same, and every byte of a body is kept."""

    async def wrapped() -> Any:
        message = await receive()
        heard.append(message.get("body", b""))
        return message

    return wrapped


def _start(status: int, kind: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *headers]}


async def _send(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    kind = b"text/html" if body.startswith(b"<") else b"application/json"
    await send(_start(status, kind, (b"content-length", str(len(body)).encode()), *headers))
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Any, headers: Mapping[str, str]) -> Any:
    async def wrapped(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] += [(name.encode(), value.encode()) for name, value in headers.items()]
        await send(message)

    return wrapped if headers else send


async def _send_piece(send: Any, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _send_error(send: Any, kind: str, behaviour: Behaviour, *, messages: bool = False) -> None:
    if kind == "proxy":
        await _send(send, 502, PROXY_PAGE)
        return
    if kind == "proxy_json":
        await _send(send, 504, b'{"error": "upstream request timeout"}')
        return
    status, code, message = ERRORS[kind]
    kind_word = {429: "requests", 401: "invalid_request_error", 500: "server_error"}.get(
        status, "invalid_request_error"
    )
    body: dict[str, Any] = {"error": {"message": message, "type": kind_word, "param": None, "code": code}}
    if messages:
        status, body = anthropic_words.error(status, code, message)
    wait = [(b"retry-after", str(behaviour.retry_after).encode())] if kind == "rate" else []
    await _send(send, status, json.dumps(body).encode(), *wait)


def application(provider: Provider) -> Any:
    """The provider as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def models(request: Request) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if provider.keys is not None and key not in provider.keys:
            return JSONResponse({"error": {"message": "Incorrect API key.", "code": "invalid_api_key"}}, 401)
        names = [
            name
            for name in (*provider.prices, *provider.special, *provider.pages)
            if not provider.behaviour(name).missing
        ]
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "simulator"} for name in dict.fromkeys(names)]
        return JSONResponse({"object": "list", "data": data})

    async def behave(request: Request) -> Response:
        try:
            provider.behave(await request.json())
        except ValueError as problem:
            return JSONResponse({"error": str(problem)}, status_code=400)
        return JSONResponse({})

    async def bill(_: Request) -> Response:
        return JSONResponse(provider.bill())

    async def requests(_: Request) -> Response:
        return JSONResponse(list(provider.requests))

    async def heard(_: Request) -> Response:
        return Response(b"\n".join(provider.heard))

    async def reset(_: Request) -> Response:
        provider.forget()
        return JSONResponse({})

    control = Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/{door}/v1/models", models),
            Route("/_behave", behave, methods=["POST"]),
            Route("/_bill", bill),
            Route("/_requests", requests),
            Route("/_heard", heard),
            Route("/_reset", reset, methods=["POST"]),
        ]
    )
    completions = ChatCompletions(provider)

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/_"):
            head = b"\n".join(b": ".join(pair) for pair in scope["headers"])
            provider.heard.append(b" ".join([scope["method"].encode(), scope["raw_path"], scope["query_string"], head]))
            receive = _overheard(receive, provider.heard)
        if scope["type"] == "http" and scope["path"].endswith(("/chat/completions", "/v1/messages")):
            await completions(scope, receive, send)
        else:
            await control(scope, receive, send)

    return front


class Simulator:
    """The provider in a process of its own, as tests use it; a context manager.

    Its process may `end` and `begin` again at the same port, with the same bill and memory.
    """

    def __init__(self, prices: Mapping[str, Mapping[str, float]] | None = None, key: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="provider-")
        self._words = ["--prices", json.dumps(PRICES if prices is None else prices)]
        self._words += ["--key", key] if key is not None else []
        self.port = 0
        self.begin()

    def begin(self) -> None:
        """Start the process, and wait until it listens."""
        portfile, memory = (Path(self._folder.name) / name for name in ("port", "memory"))
        portfile.unlink(missing_ok=True)
        words = [sys.executable, __file__, "--portfile", str(portfile), "--until-stdin-ends", "--port", str(self.port)]
        words += ["--memory", str(memory), *self._words]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
        self.port = self._await_port(portfile)

    def end(self) -> None:
        """End the process and wait for it: nobody listens any more."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def base_url(self) -> str:
        """What a tier's `base_url` is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def door(self, name: str) -> str:
        """A `base_url` whose requests are remembered under this name."""
        return f"http://127.0.0.1:{self.port}/{name}/v1"

    def behave(self, **wishes: Any) -> None:
        """Change what the provider does, see `Behaviour`; `model` limits it to one model, `seed` restarts chance.

        `keys` is the list of API keys that are accepted from now on.
        """
        self._ask("POST", "/_behave", wishes)

    def bill(self) -> dict[str, Any]:
        """nusd, usd, calls, answered, errors, input_tokens, output_tokens, models, kinds, wrong_keys, peak.

        Each of the `models` has a page of its own, with nano-dollars by hour.
        """
        bill: dict[str, Any] = self._ask("GET", "/_bill")
        return bill

    def requests(self, door: str | None = None) -> list[dict[str, Any]]:
        """The newest requests, oldest first: at, door, model, key, body (text as received), and what was charged."""
        requests: list[dict[str, Any]] = self._ask("GET", "/_requests")
        return [each for each in requests if door is None or each["door"] == door]

    def received(self, door: str | None = None) -> str:
        """All request bodies as one text, also with JSON's escapes undone, to look for what must not be in it."""
        bodies = [each["body"] for each in self.requests(door)]
        return "\n".join(bodies + [text for body in bodies for text in _texts(json.loads(body))])

    def heard(self) -> str:
        """Every byte that was ever sent to it, headers too, with JSON's escapes also undone."""
        raw = self._get("/_heard").decode(errors="replace")
        return f"{raw}\n{self.received()}"

    def reset(self) -> None:
        """As new."""
        self._ask("POST", "/_reset", {})

    def stop(self) -> None:
        """End the process for good."""
        self.end()
        self._folder.cleanup()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _await_port(self, portfile: Path) -> int:
        deadline = time.monotonic() + 20
        while not portfile.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the simulator ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("the simulator did not start within 20 s")
            time.sleep(0.01)
        return int(portfile.read_text())

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return json.loads(self._get(path, method, body))

    def _get(self, path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer.decode(errors="replace"))
        return answer


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            yield from _texts([*value.keys(), *value.values()])


def main() -> None:
    """Serve until SIGTERM, or until standard input ends."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument("--portfile", type=Path, help="where to write the port once it listens")
    parser.add_argument("--key", help="refuse calls with any other API key")
    parser.add_argument("--prices", type=json.loads, default=PRICES, help="JSON: model to USD per million tokens")
    parser.add_argument("--memory", type=Path, help="where to find and leave what an earlier one billed and heard")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with the process that started this one")
    options = parser.parse_args()

    # With its protocol named, or asyncio leaves Nagle on, and an answer in two pieces waits for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(2048)
    port = listener.getsockname()[1]
    if options.portfile is None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
    else:
        draft = options.portfile.with_suffix(".tmp")
        draft.write_text(str(port))
        draft.rename(options.portfile)

    provider = Provider(options.prices, options.key)
    if options.memory is not None and options.memory.exists():
        provider.remember(options.memory)
    config = uvicorn.Config(
        application(provider),
        log_level=60,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,  # a close that crosses with a request would make its outcome unknown
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        if options.until_stdin_ends:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), leave)
        await server.serve(sockets=[listener])

    def leave() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            server.should_exit = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    asyncio.run(serve())
    if options.memory is not None:
        provider.leave(options.memory)


if __name__ == "__main__":
    main()
