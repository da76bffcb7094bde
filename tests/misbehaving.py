"""A provider on 127.0.0.1 that misbehaves in every way that was seen, in whatever API; and a sink that remembers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Plain = tuple[int, str, bytes, dict[str, str]]
"""Status, content type, body and headers of an answer in one piece."""


class Provider(ThreadingHTTPServer):
    """Does what the path of its base_url says; remembers what it was asked."""

    daemon_threads = True

    def __init__(self, streams: Mapping[str, bytes], answers: Mapping[str, Plain]) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.streams, self.answers = streams, answers
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.asked = threading.Event()
        self.closing = threading.Event()
        self.elsewhere = ""
        self.together = threading.Barrier(3)

    def base_url(self, scenario: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{scenario}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class Reply(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        self.server.asked.set()
        _, scenario, _, address = self.path.split("/", 3)
        if scenario in self.server.streams:
            self._stream(self.server.streams[scenario])
        elif scenario in self.server.answers:
            self._plain(*self.server.answers[scenario])
        elif scenario == "redirect":
            self._plain(307, "text/plain", b"", {"Location": f"{self.server.elsewhere}/{address}"})
        elif scenario == "mute":
            self.server.closing.wait()
            self.close_connection = True
        elif scenario == "together":
            self.server.together.wait(20)
            self._stream(self.server.streams["ok"])
        elif scenario == "hang_up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif scenario.startswith("broken"):  # as what is named behind it begins, but the connection breaks
            self._head(200, "text/event-stream", {"Transfer-Encoding": "chunked"})
            self._chunk(self.server.streams[scenario.removeprefix("broken_")])
            self.close_connection = True

    def _stream(self, data: bytes) -> None:
        self._head(200, "text/event-stream; charset=utf-8", {"Transfer-Encoding": "chunked"})
        for start in range(0, len(data), 17):
            self._chunk(data[start : start + 17])
        self.wfile.write(b"0\r\n\r\n")

    def _plain(self, status: int, kind: str, data: bytes, headers: dict[str, str]) -> None:
        self._head(status, kind, {**headers, "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Notes:
    """A sink that only remembers."""

    def __init__(self) -> None:
        self.text = ""
        self.was_sent = False

    def sent(self) -> None:
        self.was_sent = True

    def write(self, text: str) -> None:
        self.text += text


@contextmanager
def at_work(streams: Mapping[str, bytes], answers: Mapping[str, Plain]) -> Iterator[Provider]:
    """The provider, while it is there."""
    with Provider(streams, answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()
