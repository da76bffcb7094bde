"""How a server is, asked at no cost; whatever it does, one is not kept waiting, and nothing goes elsewhere."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from koubou.backends import health
from koubou.backends.health import TIMES, ask_health
from koubou.model.circuit import Health
from tests.builders import a_tier

KEY = "key-of-the-tests"
Serve = Callable[[socketserver.StreamRequestHandler], None]


class Server(socketserver.ThreadingTCPServer):
    """Says what it is told to, whatever is asked; keeps what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, serve: Serve) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Door(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = b""
                while line := self.rfile.readline().strip():
                    head += line + b"\n"
                asked.append(head.decode())
                with suppress(OSError):
                    serve(self)

        super().__init__(("127.0.0.1", 0), Door)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def a_server(serve: Serve) -> Iterator[Server]:
    with Server(serve) as server:
        yield server
        server.shutdown()


def saying(status: str, body: object = "", *headers: str) -> Serve:
    text = body if isinstance(body, str) else json.dumps(body)
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", "Connection: close", *headers])
    return lambda door: door.wfile.write(f"{head}\r\n\r\n{text}".encode()) and None


def asked_of(
    serve: Serve, model: str = "gpt", *, needs_model: bool = True, executor: str = "chat"
) -> tuple[Health, list[str]]:
    with a_server(serve) as server:
        tier = a_tier(base_url=f"{server.address}/v1/", model=model, executor=executor)
        return ask_health(tier, KEY, needs_model=needs_model), server.asked


def listed(*names: str) -> dict[str, object]:
    return {"object": "list", "data": [{"id": name} for name in names]}


def test_a_server_that_lists_the_model_each_time_is_well() -> None:
    found, asked = asked_of(saying("200 OK", listed("other", "gpt")))
    assert found.well
    assert len(asked) == TIMES
    for head in asked:
        assert head.startswith("GET /v1/models HTTP/1.1\n")
        assert f"Authorization: Bearer {KEY}" in head


@pytest.mark.parametrize("executor", ["messages", "claude"])
def test_a_server_of_anthropics_api_is_asked_in_its_own_way(executor: str) -> None:
    found, asked = asked_of(saying("200 OK", listed("claude-gpt")), executor=executor)
    assert found.well
    for head in asked:
        assert head.startswith("GET /v1/models HTTP/1.1\n")
        assert "anthropic-version: 20" in head
        assert f"x-api-key: {KEY}" in head
        assert "Authorization" not in head


def test_the_server_of_codex_is_asked_as_one_of_openais_api() -> None:
    found, asked = asked_of(saying("401 Unauthorized"), executor="codex")
    assert (found.well, found.reason) == (False, "the provider does not accept the key")
    assert asked[0].startswith("GET /v1/models HTTP/1.1\n")
    assert f"Authorization: Bearer {KEY}" in asked[0]


@pytest.mark.parametrize(
    ("status", "body", "model", "well"),
    [
        ("200 OK", listed("gpt:latest"), "gpt", True),
        ("200 OK", listed("gpt:8b"), "gpt", True),
        ("200 OK", listed("models/gpt"), "gpt", True),
        ("200 OK", listed("gpt"), "house/gpt", True),
        ("200 OK", listed("GPT-2025-08-07"), "gpt", True),
        ("200 OK", listed(""), "gpt", True),
        ("200 OK", listed("other"), "gpt", False),
        ("200 OK", listed(), "gpt", True),
        ("200 OK", "<html>log in</html>", "gpt", True),
        ("200 OK", "[" * 100_000, "gpt", True),
        ("200 OK", {"data": [{"id": 5}, 7, None]}, "gpt", True),
        ("404 Not Found", "", "gpt", True),
        ("401 Unauthorized", "", "gpt", False),
        ("403 Forbidden", "", "gpt", False),
        ("408 Request Timeout", "", "gpt", False),
        ("429 Too Many Requests", "", "gpt", False),
        ("500 Internal Server Error", listed("gpt"), "gpt", False),
        ("503 Service Unavailable", "", "gpt", False),
    ],
)
def test_what_it_says_tells_how_it_is(status: str, body: object, model: str, well: bool) -> None:
    found, _ = asked_of(saying(status, body), model)
    assert found.well is well
    assert found.reason


def test_a_list_without_the_model_says_nothing_where_something_else_was_the_matter() -> None:
    found, _ = asked_of(saying("200 OK", listed("other")), needs_model=False)
    assert found.well


def test_one_bad_answer_of_a_few_is_too_many() -> None:
    answers = iter([saying("200 OK", listed("gpt")), saying("500 No", "")])
    found, asked = asked_of(lambda door: next(answers)(door))
    assert not found.well
    assert len(asked) == 2


def test_it_is_not_followed_elsewhere_and_no_key_goes_there() -> None:
    with a_server(saying("200 OK", listed("gpt"))) as other:
        found, _ = asked_of(saying("307 Go", "", f"Location: {other.address}/v1/models"))
        assert not found.well
        assert "elsewhere" in found.reason
        assert other.asked == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_server(saying("500 No")) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
            monkeypatch.setenv(name.lower(), proxy.address)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        found, _ = asked_of(saying("200 OK", listed("gpt")))
        assert found.well
        assert proxy.asked == []


def test_where_nobody_listens_it_is_not_well() -> None:
    with a_server(saying("200 OK")) as server:
        address = server.address
    found = ask_health(a_tier(base_url=address), None)
    assert (found.well, found.reason) == (False, "no connection to its server")


def slowly(pieces: int, first: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n") -> Serve:
    """Its head at once, then a letter each tenth of a second."""

    def serve(door: socketserver.StreamRequestHandler) -> None:
        door.wfile.write(first)
        for _ in range(pieces):
            time.sleep(0.1)
            door.wfile.write(b" ")

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        slowly(300),
        lambda door: time.sleep(5),
        slowly(0),
        saying("200 OK", "", "Content-Encoding: gzip", "Content-Length: 4"),
    ],
    ids=["dripping", "silent", "cut", "torn"],
)
def test_a_slow_or_broken_server_is_not_well_and_keeps_nobody(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SLOWEST", 0.4)
    began = time.monotonic()
    found, _ = asked_of(serve)
    assert not found.well
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("tier", [a_tier(base_url=""), a_tier(executor="command:x")])
def test_what_cannot_be_asked_counts_as_well(tier: object) -> None:
    assert ask_health(tier, None).well  # type: ignore[arg-type]
