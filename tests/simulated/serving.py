"""The provider as a process: its control paths, its port, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from simulated import chat_words, messages_words
from simulated.answering import Endpoint, words_at
from simulated.behaviour import Behaviour
from simulated.bill import PRICES, Provider
from simulated.refusing import send_error
from simulated.sending import overheard


def application(provider: Provider) -> Any:
    """The provider as an ASGI application."""
    endpoint, control = Endpoint(provider), _control(provider)

    async def front(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if not path.startswith("/_"):
            head = b"\n".join(b": ".join(pair) for pair in scope["headers"])
            provider.heard.append(b" ".join([scope["method"].encode(), scope["raw_path"], scope["query_string"], head]))
            receive = overheard(receive, provider.heard)
        words = words_at(path)
        if words is not None and scope["method"] == "POST":
            await endpoint(scope, receive, send, words)
        elif path.startswith("/_") or path.endswith("/v1/models"):
            await control(scope, receive, send)
        else:
            theirs = any(name == b"anthropic-version" for name, _ in scope["headers"])
            kind = "no_such_url" if words is None else "no_such_method"
            await send_error(send, kind, Behaviour(), words or (messages_words if theirs else chat_words))

    return front


def _control(provider: Provider) -> Any:
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

    return Starlette(
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


def main() -> None:
    """Serve until SIGTERM, or until standard input ends."""
    options = _options()
    # With its protocol named, or asyncio leaves Nagle on, and an answer in two pieces waits for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(2048)
    _tell(listener.getsockname()[1], options.portfile)
    provider = Provider(options.prices, options.key)
    if options.memory is not None and options.memory.exists():
        provider.remember(options.memory)
    asyncio.run(_serve(provider, listener, until_stdin_ends=options.until_stdin_ends))
    if options.memory is not None:
        provider.leave(options.memory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A model provider that keeps its own bill.")
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument("--portfile", type=Path, help="where to write the port once it listens")
    parser.add_argument("--key", help="refuse calls with any other API key")
    parser.add_argument("--prices", type=json.loads, default=PRICES, help="JSON: model to USD per million tokens")
    parser.add_argument("--memory", type=Path, help="where to find and leave what an earlier one billed and heard")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with the process that started this one")
    return parser.parse_args()


def _tell(port: int, portfile: Path | None) -> None:
    if portfile is None:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        return
    draft = portfile.with_suffix(".tmp")
    draft.write_text(str(port))
    draft.rename(portfile)


async def _serve(provider: Provider, listener: socket.socket, *, until_stdin_ends: bool) -> None:
    import uvicorn

    config = uvicorn.Config(
        application(provider),
        log_level=60,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,  # a close that crosses with a request would make its outcome unknown
    )
    server = uvicorn.Server(config)

    def leave() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            server.should_exit = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    if until_stdin_ends:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), leave)
    await server.serve(sockets=[listener])
