"""Servers that never come to an end with saying how they are hold up neither a reload nor the end."""

from __future__ import annotations

import json
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from simulator import Simulator
from workshop import OpenWorkshop, a_tier

TIERS = 7
"""More than the threads that are usually there for everybody, on a machine of two processors."""


class Dripping(socketserver.ThreadingTCPServer):
    """Its chat is broken; asked for its models it says a letter now and then, for ever."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.dripping = 0
        super().__init__(("127.0.0.1", 0), _Door)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def door(self, _name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Door(socketserver.StreamRequestHandler):
    server: Dripping

    def handle(self) -> None:
        with suppress(OSError):
            first = self.rfile.readline()
            length = 0
            while line := self.rfile.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            if first.startswith(b"POST"):
                self._answer("500 No", {"error": {"message": "x", "type": "server_error", "code": "server_error"}})
            else:
                self.server.dripping += 1
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while True:
                    self.wfile.write(b"a")
                    time.sleep(0.2)

    def _answer(self, status: str, body: object) -> None:
        text = json.dumps(body)
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close"
        self.wfile.write(f"{head}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


@pytest.fixture
def servers() -> Iterator[list[Dripping]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(Dripping()) for _ in range(TIERS)]
        yield servers
        for server in servers:
            server.shutdown()


def test_dripping_servers_hold_up_neither_a_reload_nor_the_end(
    open_workshop: OpenWorkshop, provider: Simulator, servers: list[Dripping]
) -> None:
    tiers = {f"t{n}": a_tier(server, "cloud", "gpt-5", retries=100) for n, server in enumerate(servers)}  # type: ignore[arg-type]
    routing = {"high": "t0", "medium": "t1", "low": "t2"}
    breaker = {"wait": "300ms", "longest_wait": "300ms", "in_a_row": 2}
    workshop = open_workshop(tiers=tiers, routing=routing, breaker=breaker).start()
    for n in range(TIERS):
        workshop.drop(f"a{n}.yaml", {"id": f"a{n}", "prompt": "tea?", "tier": f"t{n}"})
    workshop.wait_until(lambda: all(server.dripping for server in servers), "each to drip", within=60)
    assert [server.dripping for server in servers] == [1] * TIERS, "one that has not answered is not asked again"

    began = time.monotonic()
    workshop.write_settings()
    workshop.signal(signal.SIGHUP)
    workshop.wait_for_event("system.reloaded")
    assert time.monotonic() - began < 8
    began = time.monotonic()
    workshop.signal(signal.SIGTERM)
    assert workshop.exit_code() == 0
    assert time.monotonic() - began < 8
    assert [server.dripping for server in servers] == [1] * TIERS
