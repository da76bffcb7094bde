"""The endpoint where calls come in, whichever API they speak: charged first, and answered as it was told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulated import chat_words, messages_words, responses_words
from simulated.behaviour import Behaviour
from simulated.bill import Provider, usage_of
from simulated.composing import compose, in_pieces
from simulated.refusing import send_error
from simulated.sending import send_piece, send_whole, start, whole_body, with_headers
from simulated.words import Answer, Asked, NoToolError, RefusedError, ToolCall, Usage, Words

APIS: Mapping[str, Words] = {
    "/chat/completions": chat_words,
    "/v1/responses": responses_words,
    "/v1/messages": messages_words,
}
"""What a path ends with, and who speaks there."""


class BrokenOffError(Exception):
    """The connection is to break here, in the middle of an answer."""


def words_at(path: str) -> Words | None:
    """Who speaks at a path, if anybody."""
    return next((words for ending, words in APIS.items() if path.endswith(ending)), None)


class Endpoint:
    """POST …/v1/chat/completions, …/v1/responses and …/v1/messages, as bare ASGI because it must be fast.

    What stands before /v1 in the path is the door that the call came through, so that one provider can play several.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def __call__(self, scope: Any, receive: Any, send: Any, words: Words) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await whole_body(receive)
        provider = self.provider
        provider.in_flight += 1
        provider.peak = max(provider.peak, provider.in_flight)
        try:
            await self._hear(scope["path"], headers, body, send, words)
        finally:
            provider.in_flight -= 1

    async def _hear(self, path: str, headers: Mapping[str, str], body: bytes, send: Any, words: Words) -> None:
        provider = self.provider
        request = _json(body)
        model = str(request.get("model", ""))
        behaviour = provider.behaviour(model)
        provider.page(model).calls += 1
        key = (headers.get("x-api-key") or headers.get("authorization", "")).removeprefix("Bearer ")
        noted = {"at": time.time(), "door": path.split("/")[1], "model": model, "key": key, "body": body.decode()}
        noted |= {"nusd": 0, "tokens": 0}  # until they are charged
        provider.requests.append(noted)
        error = "not_found" if behaviour.missing else provider.next_error(behaviour)
        send = with_headers(send, behaviour.headers)
        if provider.keys is not None and key not in provider.keys:
            provider.wrong_keys[key] += 1
            error = "auth"
        if behaviour.redirect_to:
            provider.kinds["redirect"] += 1
            await send_whole(send, 307, b"", (b"location", behaviour.redirect_to.encode()))
            return
        if behaviour.latency_ms:
            await asyncio.sleep(behaviour.latency_ms / 1000)
        while provider.behaviour(model).stalled:
            await asyncio.sleep(0.01)
        if error is not None and not error.startswith("proxy"):
            await self._refuse(send, error, model, words)
            return
        try:
            asked = words.asked(request, headers.get("anthropic-beta", ""))
            usage = usage_of(asked, behaviour, len(body))
            says = compose(asked, behaviour, usage.output, words)
        except (RefusedError, NoToolError) as problem:
            await self._refuse(send, "invalid", model, words, str(problem))
            return
        if error is not None:
            if behaviour.bill_proxy_errors:
                noted |= {"nusd": provider.charge(model, usage), "tokens": usage.total}
            await self._refuse(send, error, model, words)
            return
        # From here on the tokens are made, so they are billed, whatever becomes of the connection.
        noted |= {"nusd": provider.charge(model, usage), "tokens": usage.total}
        await self._answer(send, asked, behaviour, usage, says, words)

    async def _refuse(self, send: Any, kind: str, model: str, words: Words, why: str | None = None) -> None:
        self.provider.page(model).errors += 1
        self.provider.kinds[kind] += 1
        await send_error(send, kind, self.provider.behaviour(model), words, why)

    async def _answer(
        self, send: Any, asked: Asked, behaviour: Behaviour, usage: Usage, says: str | ToolCall, words: Words
    ) -> None:
        provider = self.provider
        page = provider.page(asked.model)
        cut = provider.chance(behaviour.cut_after_billing)
        shown = None if provider.chance(behaviour.missing_usage) else usage
        answer = Answer(
            number=page.calls,
            model=asked.model,
            says=says,
            pieces=in_pieces(says),
            finish=behaviour.finish_reason or _finish(says, capped=behaviour.output_tokens > usage.output),
            usage=shown,
            count_along=behaviour.count_along,
        )
        speech = Speech(
            answer=answer,
            words=words,
            behaviour=behaviour,
            cut=cut,
            rests=lambda: provider.behaviour(asked.model).stalled_midway,
        )
        if asked.streamed:
            await speech.stream(send, with_usage=asked.with_usage)
        else:
            await speech.whole(send)
        page.answered += 1


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _finish(says: str | ToolCall, *, capped: bool) -> str:
    if capped:
        return "length"
    return "tool_calls" if isinstance(says, ToolCall) else "stop"


@dataclass(frozen=True, kw_only=True)
class Speech:
    """One answer on its way out; when `cut`, the connection breaks before the end."""

    answer: Answer
    words: Words
    behaviour: Behaviour
    cut: bool
    rests: Callable[[], bool]

    async def whole(self, send: Any) -> None:
        """All of it in one piece."""
        body = self.words.whole(self.answer)
        if self.behaviour.failure is not None:
            failed = self.words.failed(self.answer, self.behaviour.failure)
            if failed is None:
                await send_error(send, "server", self.behaviour, self.words, None)
                return
            body = failed
        encoded = json.dumps(body).encode()
        if self.cut:
            await send(start(200, b"application/json", (b"content-length", str(len(encoded)).encode())))
            await send_piece(send, encoded[: len(encoded) // 2])
            raise BrokenOffError
        await send_whole(send, 200, encoded)

    async def stream(self, send: Any, *, with_usage: bool) -> None:
        """Piece by piece."""
        events, ending = self.words.stream(self.answer, with_usage=with_usage)
        half = len(events) // 2 + 1
        if self.behaviour.failure is not None:
            events, ending = events[:half], [self.words.failing(self.answer, self.behaviour.failure)]
        await send(start(200, b"text/event-stream"))
        if self.rests():
            await send_piece(send, b"".join(events[:half]))
            events, half = events[half:], 0  # a cut comes where it rests
            while self.rests():
                await asyncio.sleep(0.01)
        if self.cut:
            await send_piece(send, b"".join(events[:half]))
            if not self.behaviour.cut_politely:
                raise BrokenOffError
            await send({"type": "http.response.body", "body": ending[-1]})
            return
        if over := self.behaviour.stream_ms / 1000:
            for event in events:
                await send_piece(send, event)
                await asyncio.sleep(over / len(events))
            events = []
        await send({"type": "http.response.body", "body": b"".join([*events, *ending])})
