"""The gateway of a worker: opens a door for each run, and leads what comes through it to the right place."""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from koubou.gateway.calls import READ_ON, Calls, response_of
from koubou.gateway.lines import Lines
from koubou.gateway.listening import Listener
from koubou.gateway.port import Gate, Visitor
from koubou.gateway.run import Run, digest
from koubou.gateway.upstream import Upstream
from koubou.model.tier import Tier
from koubou.rules.agent_request import NotAllowed
from koubou.rules.body_fields import Api
from koubou.rules.refusals import Fault, Form, refusal

_APIS: dict[str, Api] = {"/chat/completions": "chat", "/responses": "responses", "/messages": "messages"}


class Gateway:
    """Serves one tier; is the `Doors` of its backend. Between `start` and `close`."""

    def __init__(self, tier: Tier, api_keys: tuple[str, ...], gate: Gate) -> None:
        """Raises CannotServe for a base_url or a key that cannot be one."""
        self._tier = tier
        self._gate = gate
        self._upstream = Upstream(tier, api_keys)
        self._runs: dict[bytes, Run] = {}
        self._read_on = READ_ON
        self._gone = False
        self._calls: Calls
        self._lines: Lines
        self._listener: Listener
        self._port = 0

    async def start(self) -> None:
        """Listen on 127.0.0.1."""
        await self._upstream.open()
        self._lines = Lines()
        self._calls = Calls(self._tier, self._gate, self._upstream, self._lines)
        self._listener = Listener(self._take)
        self._port = await self._listener.on_port()

    @asynccontextmanager
    async def door(self, sink: Visitor) -> AsyncIterator[Run]:
        """A way for one run; at the end what is under way is read to its end and settled, and the way is shut."""
        run = Run(sink, self._port, os.path.join(sink.folder, "gateway.sock"))
        run.closing = self._gone

        async def take(request: web.BaseRequest) -> web.StreamResponse:
            return await self._lead(run if _is_let_in(run, request) else None, request)

        listener = Listener(take)
        await listener.in_folder(sink.folder)
        self._runs[digest(run.token)] = run
        try:
            yield run
        finally:
            try:
                await run.end(self._read_on)
            finally:
                del self._runs[digest(run.token)]
                await listener.close()
                with suppress(FileNotFoundError):
                    os.unlink(run.socket)

    def hurry(self, seconds: float) -> None:
        """The master has gone: what is under way gets so long, and nothing new is let through."""
        self._gone = True
        self._read_on = min(self._read_on, seconds)
        for run in self._runs.values():
            run.closing = True
            run.hurry(seconds)

    async def close(self) -> None:
        """Shut everything. The doors are closed before."""
        await self._listener.close()
        await self._upstream.close()
        await self._lines.close()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._lead(self._runs.get(digest(_token(request))), request)

    async def _lead(self, run: Run | None, request: web.BaseRequest) -> web.StreamResponse:
        """To where the path says; `run` is None where the token is none of ours."""
        path = request.path.removeprefix("/v1")
        form = _form(path, request)
        if run is None:
            return response_of(refusal(form, Fault.TOKEN, "the token is not that of this run"))
        match request.method, path:
            case "POST", ("/chat/completions" | "/responses" | "/messages") if _is_plain(request):
                try:
                    return await self._calls.take(run, _APIS[path], request)
                except web.HTTPRequestEntityTooLarge:
                    return response_of(refusal(form, Fault.TOO_LARGE, "the request is larger than 32 MB"))
            case "POST", "/messages/count_tokens":
                return await self._count(run, request)
            case "GET", "/models":
                return web.json_response(_models(form, self._tier.model))
            case _:
                return response_of(refusal(form, Fault.ADDRESS, "there is nothing at this address"))

    async def _count(self, run: Run, request: web.BaseRequest) -> web.StreamResponse:
        """Answered here, with the bound: to have it counted would carry the text out of the house."""
        try:
            return web.json_response({"input_tokens": await self._calls.bound(run, request)})
        except NotAllowed as error:
            return response_of(refusal("anthropic", Fault.FIELD, error.reason))
        except web.HTTPRequestEntityTooLarge:
            return response_of(refusal("anthropic", Fault.TOO_LARGE, "the request is larger than 32 MB"))


def _is_let_in(run: Run, request: web.BaseRequest) -> bool:
    return hmac.compare_digest(digest(_token(request)), digest(run.token))


def _token(request: web.BaseRequest) -> str:
    bearer = request.headers.get("Authorization", "")
    return bearer[7:] if bearer[:7].lower() == "bearer " else request.headers.get("x-api-key", "")


def _form(path: str, request: web.BaseRequest) -> Form:
    return "anthropic" if path.startswith("/messages") or "anthropic-version" in request.headers else "openai"


def _is_plain(request: web.BaseRequest) -> bool:
    """Nothing may be asked for behind the path, but for Anthropic's word for its newer fields."""
    return request.query_string in ("", "beta=true")


def _models(form: Form, model: str) -> dict[str, object]:
    if form == "anthropic":
        entry = {"type": "model", "id": model, "display_name": model, "created_at": "1970-01-01T00:00:00Z"}
        return {"data": [entry], "has_more": False, "first_id": model, "last_id": model}
    return {"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": "koubou"}]}
