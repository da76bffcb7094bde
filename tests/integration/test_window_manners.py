"""Guests without manners: silent ones, slow ones, such as take nothing of their answer, and many at once."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from builders import NOW
from windows import KIM, Opened, opened

from koubou.model.access import WORKSHOP, Role
from koubou.window import connections, tail

SETTINGS = "{listen: 127.0.0.1:0, timeout: 1s, connections: 40, max_body: 100kB, requests_per_minute: 100000}"
STRANGER = f"kbu_{'0' * 10}_{'0' * 64}"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("window"), SETTINGS) as found:
        found.task("of-kim", KIM)
        yield found


@pytest.fixture(scope="module")
def token(window: Opened) -> str:
    return window.token(Role.SUBMITTER, KIM)


@pytest.mark.parametrize("said", ["", "G", "GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_a_head_that_does_not_come_in_time_ends_the_connection(window: Opened, said: str) -> None:
    with connected(window, said) as guest:
        assert rest(guest) == b""


def test_a_head_that_drips_after_an_answer_ends_the_connection_too(window: Opened) -> None:
    with connected(window, head("GET", "/healthz")) as guest:
        answer = guest.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 ")
        drip(guest)
        assert b"HTTP/1.1" not in rest(guest)


def test_a_body_that_does_not_come_in_time_is_answered_with_408(window: Opened, token: str) -> None:
    with connected(window, head("POST", "/api/v1/tasks", token, "Content-Length: 10") + "{") as guest:
        assert rest(guest).startswith(b"HTTP/1.1 408 ")


def test_a_body_without_an_end_is_cut_off_where_it_is_too_large_or_not_wanted(window: Opened, token: str) -> None:
    chunk = f"{10_000:x}\r\n{'x' * 10_000}\r\n"
    with connected(window, head("POST", "/api/v1/tasks", token, "Transfer-Encoding: chunked")) as guest:
        send(guest, chunk * 20)
        assert rest(guest).startswith(b"HTTP/1.1 413 ")
    with connected(window, head("GET", "/healthz", None, "Transfer-Encoding: chunked")) as guest:
        assert guest.recv(12).startswith(b"HTTP/1.1 ")
        drip(guest, chunk)


def test_a_request_that_says_its_length_twice_is_refused_and_nothing_after_it_is_heard(
    window: Opened, token: str
) -> None:
    twice = head("POST", "/api/v1/estimate", token, "Content-Length: 5", "Transfer-Encoding: chunked")
    with connected(window, twice + "0\r\n\r\n" + head("GET", "/healthz")) as guest:
        answer = rest(guest)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_only_connects_keeps_nobody_out(window: Opened, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_WAITING", 20)
    monkeypatch.setattr(connections, "MOMENT", 0)
    with ExitStack() as stack:
        guests = [stack.enter_context(connected(window)) for _ in range(60)]
        assert window.ask("/api/v1/me", token).status == 200
        assert rest(guests[0], within=0.8) == b""


def test_who_guesses_keeps_nobody_out(window: Opened, token: str) -> None:
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(window, head("GET", "/api/v1/me", STRANGER)))
        assert window.ask("/api/v1/me", token).status == 200


def test_who_takes_nothing_of_his_answers_keeps_nobody_out_and_is_let_go(
    window: Opened, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALLED_AFTER", 0.5)
    with ExitStack() as stack:
        guests = [stack.enter_context(connected(window, greedy=True)) for _ in range(50)]
        for guest in guests:
            guest.setblocking(False)
            send(guest, head("GET", "/api/openapi.json") * 10)
        assert window.ask("/api/v1/me", token).status == 200
        until(lambda: all(is_reset(guest) for guest in guests))


def test_who_watches_and_does_not_read_is_let_go_and_costs_a_bounded_queue(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALLED_AFTER", 0.5)
    most: list[int] = []
    taken = tail.Watcher.take
    monkeypatch.setattr(tail.Watcher, "take", lambda self, batch: (taken(self, batch), most.append(self._behind))[0])
    watching = head("GET", "/api/v1/events", window.token(Role.OPERATOR))
    with connected(window, watching, greedy=True) as guest:
        assert guest.recv(12) == b"HTTP/1.1 200"
        for _ in range(4):
            with window.board.transaction():
                for _ in range(1_000):
                    window.board.history.add(None, "system.paused", "x" * 900, NOW, WORKSHOP)
        until(lambda: is_reset(guest))
    assert 0 < max(most) <= tail.QUEUED


def test_one_token_does_not_fill_the_memory_with_bodies(window: Opened, token: str) -> None:
    other, body = window.token(Role.SUBMITTER, KIM), b"x" * 50_000

    def is_full() -> bool:
        with ExitStack() as stack:
            for _ in range(2):
                post = head("POST", "/api/v1/tasks", token, "Content-Length: 100000")
                stack.enter_context(connected(window, post + "x" * 99_000))
            if window.ask("/api/v1/tasks/x/cancel", token, "POST", body=body).status != 503:
                return False
            assert window.ask("/api/v1/tasks/x/cancel", other, "POST", body=body).status == 400
            return True

    until(is_full)


def test_strangers_are_counted_by_the_minute(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened(tmp_path_factory.mktemp("rate"), "{listen: 127.0.0.1:0, requests_per_minute: 3}") as window:
        assert [window.ask("/api/openapi.json").status for _ in range(4)] == [200, 200, 200, 429]


def test_refusals_are_told_with_how_often_and_at_most_once_a_minute(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []

    async def tell(_: object, verb: str, **words: object) -> None:
        if verb == "refused":
            told.append((str(words.get("token")), int(str(words["times"]))))

    monkeypatch.setattr("koubou.window.notes.tell", tell)
    monkeypatch.setattr("koubou.window.notes._BETWEEN", 0.5)
    viewer = window.token(Role.VIEWER)
    for _ in range(5):
        assert window.ask("/api/v1/pause", viewer, "POST", body=b"{}").status == 403
    until(lambda: sum(times for _, times in told) == 5)
    assert told[0] == (viewer[4:14], 1)
    assert len(told) < 5


@contextmanager
def connected(window: Opened, said: str = "", *, greedy: bool = False) -> Iterator[socket.socket]:
    """A guest who has said so much; a greedy one has little room for what comes."""
    with socket.socket() as guest:
        if greedy:
            guest.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        guest.settimeout(10)
        guest.connect(("127.0.0.1", window.port))
        guest.sendall(said.encode())
        yield guest


def head(method: str, path: str, token: str | None = None, *more: str) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *more]
    return "\r\n".join([*lines, *([f"Authorization: Bearer {token}"] if token else []), "", ""])


def send(guest: socket.socket, said: str) -> None:
    """As much of it as is taken."""
    try:
        guest.sendall(said.encode())
    except OSError:
        return


def drip(guest: socket.socket, said: str = "x") -> None:
    """Say it again and again until the connection is ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            guest.sendall(said.encode())
        except ConnectionError:
            return
        threading.Event().wait(0.05)
    raise AssertionError("nobody ended it")


def rest(guest: socket.socket, within: float = 10) -> bytes:
    """All that comes until the connection ends."""
    guest.settimeout(within)
    found = b""
    try:
        while data := guest.recv(65_536):
            found += data
    except ConnectionError:
        pass
    return found


def is_reset(guest: socket.socket) -> bool:
    """Whether the other end has let him go; nothing is read."""
    return guest.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED


_ESTABLISHED = 1


def until(fact: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 15
    while not fact():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_long_estimates_keep_no_reads_waiting_and_one_caller_fills_no_line(
    window: Opened, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()
    monkeypatch.setattr("koubou.window.routes.given.estimates", lambda *_, **__: is_over.wait(20) and [])
    asked = head("POST", "/api/v1/estimate", token, "Content-Length: 2") + "{}"
    with ExitStack() as stack:
        stack.callback(is_over.set)
        guests = [stack.enter_context(connected(window, asked)) for _ in range(9)]
        answered, _, _ = select.select(guests, [], [], 20)
        assert [guest.recv(12) for guest in answered] == [b"HTTP/1.1 503"], "of one caller eight are in line"
        assert window.ask("/api/v1/tasks", token).status == 200


def test_a_master_that_does_not_answer_keeps_no_reads_waiting(
    window: Opened, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, asked = threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr("koubou.window.changes.ask", lambda *_, **__: (asked.release(), is_over.wait(20)))
    with ExitStack() as stack:
        stack.callback(is_over.set)
        for _ in range(4):
            cancel = head("POST", "/api/v1/tasks/of-kim/cancel", token, "Content-Length: 2")
            stack.enter_context(connected(window, cancel + "{}"))
            assert asked.acquire(timeout=10)
        assert window.ask("/api/v1/tasks/of-kim", window.token(Role.VIEWER)).status == 200


def test_the_master_is_asked_once_for_all_who_ask_whether_it_is_well(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("koubou.window.snapshot.said_by_master", lambda _: asked.append(1) or {})
    monkeypatch.setattr("koubou.window.snapshot.FRESH", 30.0)
    for _ in range(10):
        assert window.ask("/readyz").status == 503
    assert len(asked) <= 1
