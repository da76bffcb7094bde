"""What the gateway adds to an agent's calls: latency and calls a second, over a bare provider, at several at once.

    python benchmarks/gateway.py [--calls N] [--bytes N]

A whole workshop: master, worker and a board on disk, and a command agent that gives its door away to this process,
which then makes its calls. The provider is as light as can be, so that it is not what is measured. Beside it stands a
relay of the same HTTP library on the same loop, which decides, holds and writes nothing: what any proxy written with
that library costs on this machine. Prints JSON; milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

sys.path.append(sys.path.pop(0))  # this folder has a queue of its own
sys.path.insert(0, f"{__file__.rpartition('/benchmarks/')[0]}/tests")

import aiohttp
import psutil
import uvloop
from aiohttp import web
from workshop import Workshop

AT_ONCE = (1, 16, 64)
MODEL = "gpt-5"
CAP = 500
WAYS: dict[str, dict[str, Any]] = {"plain": {}, "streamed": {"stream": True, "stream_options": {"include_usage": True}}}
WORDS = 20
"""Pieces of a streamed answer."""


def plain_answer() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "word " * WORDS}, "finish_reason": "stop"}
    body = json.dumps({"id": "a", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage()})
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def streamed_answer() -> bytes:
    said: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": "word "}}]} for _ in range(WORDS)]
    said.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    said.append({"choices": [], "usage": usage()})
    events = [json.dumps({"id": "a", "object": "chat.completion.chunk", "model": MODEL} | each) for each in said]
    pieces = [f"data: {event}\n\n" for event in (*events, "[DONE]")]
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return (head + "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + "0\r\n\r\n").encode()


def usage() -> dict[str, int]:
    return {"prompt_tokens": 80, "completion_tokens": WORDS, "total_tokens": 80 + WORDS}


class Provider(asyncio.Protocol):
    """Answers every request with the same words."""

    plain, streamed = plain_answer(), streamed_answer()

    def connection_made(self, transport: Any) -> None:
        self._transport, self._data = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            self._transport.write(self.streamed if b'"stream":true' in body.replace(b" ", b"") else self.plain)
            self._data.clear()


def provide(listener: socket.socket) -> None:
    """The provider, in a process of its own."""

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Provider, sock=listener)
        await server.serve_forever()

    asyncio.run(serve())


def relay(listener: socket.socket, provider: int) -> None:
    """A proxy without a gate, in a process of its own."""

    async def serve() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

            async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
                body = await request.read()
                kind = {"Content-Type": "application/json"}
                async with session.post(
                    f"http://127.0.0.1:{provider}{request.path}", data=body, headers=kind
                ) as answer:
                    if answer.content_length is not None:
                        return web.Response(body=await answer.read(), content_type=answer.content_type)
                    response = web.StreamResponse(headers={"Content-Type": answer.content_type})
                    await response.prepare(request)
                    async for piece in answer.content.iter_any():
                        await response.write(piece)
                    return response

            server = await asyncio.get_running_loop().create_server(web.Server(pass_on, access_log=None), sock=listener)
            await server.serve_forever()

    uvloop.run(serve())


class Agent(asyncio.Protocol):
    """Makes calls behind one another over one connection; an answer is read to its end."""

    def __init__(self, request: bytes, calls: int, taken: list[float]) -> None:
        self._request, self._left, self._taken = request, calls, taken
        self._got = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._got.clear()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._is_whole():
            return
        self._taken.append(time.perf_counter() - self._began)
        assert self._got.startswith(b"HTTP/1.1 200"), bytes(self._got)
        self._left -= 1
        if self._left:
            self._ask()
        else:
            self._transport.close()
            self.done.set_result(None)

    def _is_whole(self) -> bool:
        head, found, body = self._got.partition(b"\r\n\r\n")
        _, has_length, length = head.lower().partition(b"content-length: ")
        if has_length:
            return len(body) >= int(length.split(b"\r\n")[0])
        return bool(found) and body.endswith(b"\r\n0\r\n\r\n")


class Way(NamedTuple):
    """Where calls are made, and the processes that they cost something."""

    port: int
    processes: Mapping[str, psutil.Process] = MappingProxyType({})


async def measured(port: int, token: str, body: bytes, at_once: int, calls: int) -> dict[str, float]:
    """So many calls over kept connections, so many of them at once."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    loop, taken = asyncio.get_running_loop(), list[float]()
    agents = [Agent(request, calls // at_once, taken) for _ in range(at_once)]
    began = time.perf_counter()
    for agent in agents:
        await loop.create_connection(lambda agent=agent: agent, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(agent.done for agent in agents))
    return {
        "p50": round(statistics.median(taken) * 1000, 2),
        "p99": round(statistics.quantiles(taken, n=100)[98] * 1000, 2),
        "calls_a_second": round(len(taken) / (time.perf_counter() - began)),
    }


def the_settings(folder: Path, base_url: str) -> dict[str, Any]:
    """One tier, whose agent says where its door is, and waits for a word."""
    say = f"echo $OPENAI_BASE_URL $OPENAI_API_KEY > {folder}/.said; mv {folder}/.said {folder}/said"
    script = f"{say}; read it < {folder}/end; echo done"
    tier = {
        "executor": "command:giver",
        "reach": "cloud",
        "provider": "openai",
        "base_url": base_url,
        "model": MODEL,
        "api_key": {"env": "PROVIDER_KEY"},
        "price": {"input": 1.25, "output": 10, "cached_input": 0.125},
        "max_output_tokens": CAP,
        "min_output_tokens": 10,
        "timeout": "1h",
        "sandbox": "none",
        "workers": {"min": 0, "max": 1},
    }
    return {
        "commands": {"giver": {"argv": ["/bin/sh", "-c", script], "idle": "1h"}},
        "tiers": {"giver": tier},
        "routing": {"high": "giver", "medium": "giver", "low": "giver"},
        "budget": {"monthly": {"usd": 100_000}, "daily": {"usd": None}},
    }


def worker_of(master: psutil.Process) -> psutil.Process:
    """The only worker that it has."""
    (worker,) = [each for each in master.children() if "koubou.worker" in " ".join(each.cmdline())]
    return worker


def spent(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """What each has used of the processor so far, in seconds."""
    times = {name: each.cpu_times() for name, each in processes.items()}
    return {name: each.user + each.system for name, each in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2_048)
    parser.add_argument("--bytes", type=int, default=300, help="of the prompt")
    parser.add_argument("--only", help="one of the measurements, such as plain_16")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    bare_port, _ = beside(provide)
    relay_port, relaying = beside(relay, bare_port)
    prompt = "word " * (options.bytes // 5)
    with Workshop(None, tiers={}) as workshop:
        workshop.settings.update(the_settings(workshop.folder, f"http://127.0.0.1:{bare_port}/v1"))
        workshop.write_settings()
        os.mkfifo(workshop.folder / "end")
        workshop.start()
        wide = {"cost_usd": 10_000, "tokens": 10**10, "calls": 10**8, "time": "1h"}
        workshop.drop("a.yaml", {"id": "a", "prompt": "go", "tier": "giver", "budget": wide})
        said = workshop.wait_until((workshop.folder / "said").exists, "the door") and workshop.folder / "said"
        url, token = said.read_text().split()
        assert workshop.process is not None
        master = psutil.Process(workshop.process.pid)
        gate = Way(port=urlsplit(url).port or 0, processes={"master": master, "worker": worker_of(master)})
        ways = {"bare": Way(port=bare_port), "relay": Way(port=relay_port, processes={"relay": relaying}), "gate": gate}
        for way, wishes in WAYS.items():
            asked = {"model": MODEL, "max_completion_tokens": CAP, "messages": [{"role": "user", "content": prompt}]}
            body = json.dumps(asked | wishes).encode()
            for at_once in AT_ONCE:
                if options.only in (None, f"{way}_{at_once}"):
                    calls = options.calls if at_once > 1 else options.calls // 4
                    found[f"{way}_{at_once}"] = compared(ways, token, body, at_once, calls)
        (workshop.folder / "end").write_text("now\n")
        workshop.wait_until(lambda: "a" in workshop.completed, "the end of the run")
        workshop.stop()
    print(json.dumps(found, indent=2))


def beside(target: Callable[..., None], *arguments: int) -> tuple[int, psutil.Process]:
    """A process that listens on a port of its own and ends with this one."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    process = multiprocessing.get_context("fork").Process(target=target, args=(listener, *arguments), daemon=True)
    process.start()
    return listener.getsockname()[1], psutil.Process(process.pid)


def compared(ways: dict[str, Way], token: str, body: bytes, at_once: int, calls: int) -> dict[str, Any]:
    """The same calls by each way; what the relay and the gate add to the provider's own time."""
    found: dict[str, Any] = {}
    for name, way in ways.items():
        asyncio.run(measured(way.port, token, body, at_once, at_once * 4))  # warm
        before = spent(way.processes)
        found[name] = asyncio.run(measured(way.port, token, body, at_once, calls))
        for process, after in spent(way.processes).items():
            found[name][f"{process}_ms_a_call"] = round((after - before[process]) / calls * 1000, 2)
    for name in ("relay", "gate"):
        for part in ("p50", "p99"):
            found[name][f"added_{part}"] = round(found[name][part] - found["bare"][part], 2)
    return found


if __name__ == "__main__":
    main()
