"""What the gateway adds to an agent's calls: latency and calls a second, over a bare provider, at several at once.

    python benchmarks/gateway.py [--calls N] [--bytes N]

A whole workshop: master, worker and a board on disk, and a command agent that gives its door away to this process,
which then makes its calls. The provider is as light as can be, so that it is not what is measured. Prints JSON;
milliseconds.
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
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.append(sys.path.pop(0))  # this folder has a queue of its own
sys.path.insert(0, f"{__file__.rpartition('/benchmarks/')[0]}/tests")

import psutil
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


class Processes:
    """Master and worker, and what they have used of the processor."""

    def __init__(self, master: int) -> None:
        self.master = psutil.Process(master)
        (self.worker,) = [each for each in self.master.children() if "koubou.worker" in each.cmdline()]

    def spent(self) -> dict[str, float]:
        times = {name: getattr(self, name).cpu_times() for name in ("master", "worker")}
        return {name: each.user + each.system for name, each in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2_048)
    parser.add_argument("--bytes", type=int, default=300, help="of the prompt")
    parser.add_argument("--only", help="one of the measurements, such as plain_16")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    provider = multiprocessing.get_context("fork").Process(target=provide, args=(listener,), daemon=True)
    provider.start()
    bare_port = listener.getsockname()[1]
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
        processes = Processes(workshop.process.pid)
        for way, wishes in WAYS.items():
            asked = {"model": MODEL, "max_completion_tokens": CAP, "messages": [{"role": "user", "content": prompt}]}
            body = json.dumps(asked | wishes).encode()
            for at_once in AT_ONCE:
                if options.only in (None, f"{way}_{at_once}"):
                    calls = options.calls if at_once > 1 else options.calls // 4
                    ports = (bare_port, urlsplit(url).port or 0)
                    found[f"{way}_{at_once}"] = compared(ports, token, body, at_once, calls, processes)
        (workshop.folder / "end").write_text("now\n")
        workshop.wait_until(lambda: "a" in workshop.completed, "the end of the run")
        workshop.stop()
    provider.terminate()
    print(json.dumps(found, indent=2))


def compared(
    ports: tuple[int, int], token: str, body: bytes, at_once: int, calls: int, processes: Processes
) -> dict[str, Any]:
    """The same calls without and with the gateway."""
    asyncio.run(measured(ports[1], token, body, at_once, at_once * 4))  # warm
    bare = asyncio.run(measured(ports[0], token, body, at_once, calls))
    before = processes.spent()
    through = asyncio.run(measured(ports[1], token, body, at_once, calls))
    for name, spent in processes.spent().items():
        through[f"{name}_ms_a_call"] = round((spent - before[name]) / calls * 1000, 2)
    return {"bare": bare, "through": through, "added_p50": round(through["p50"] - bare["p50"], 2)}


if __name__ == "__main__":
    main()
