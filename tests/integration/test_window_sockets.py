"""Events over a WebSocket: that they come and resume, to whom, what is said to what nobody reads, and how it ends."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import pytest
from builders import NOW
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol
from windows import KIM, LEE, Opened, opened

from koubou.model.access import WORKSHOP, Role
from koubou.window import streams


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("window"), "{listen: 127.0.0.1:0, connections: 12}") as found:
        found.task("of-kim", KIM)
        found.task("of-lee", LEE)
        yield found


@pytest.fixture(scope="module")
def token(window: Opened) -> str:
    return window.token(Role.OPERATOR)


def test_what_happens_comes_line_by_line_and_goes_on_after_a_number(window: Opened, token: str) -> None:
    with listening(window, token, "?after=0") as socket:
        past = list(takewhile(lambda line: line["task"] != "of-lee", iter(lambda: heard(socket), None)))
        happens(window, "live")
        assert next(line for line in iter(lambda: heard(socket), None) if line["reason"] == "live")["task"] is None
    assert {line["task"] for line in past} - {None} == {"of-kim"}
    with listening(window, token, f"?after={past[0]['id']}") as socket:
        assert heard(socket)["id"] == past[0]["id"] + 1


def test_without_a_number_only_what_comes_is_told(window: Opened, token: str) -> None:
    with listening(window, token) as socket:
        happens(window, "only this")
        assert heard(socket)["reason"] == "only this"


def test_a_submitter_hears_of_his_own_tasks_alone(window: Opened) -> None:
    with listening(window, window.token(Role.SUBMITTER, LEE), "?after=0") as socket:
        assert heard(socket)["task"] == "of-lee"


def test_a_browser_offers_its_token_as_a_protocol_and_it_is_never_sent_back(window: Opened, token: str) -> None:
    offered = [Subprotocol("koubou.v1"), Subprotocol(f"bearer.{token}")]
    with connect(url(window), subprotocols=offered) as socket:
        assert socket.subprotocol == "koubou.v1"
        assert socket.response is not None
        assert token not in str(socket.response.headers)


@pytest.mark.parametrize("frame", ["hello", b"\x00\x01", "x" * 60_000])
def test_whoever_says_something_is_told_that_nobody_reads_it(window: Opened, token: str, frame: str | bytes) -> None:
    with listening(window, token) as socket:
        socket.send(frame)
        assert closed_with(socket) == 1003


def test_a_frame_that_is_too_large_or_no_text_ends_it(window: Opened, token: str) -> None:
    with listening(window, token) as socket:
        socket.send("x" * 70_000)
        assert closed_with(socket) == 1009
    with listening(window, token) as socket:
        socket.send(b"\xff\xfe", text=True)
        assert closed_with(socket) == 1007


def test_what_is_no_frame_at_all_ends_it(window: Opened, token: str) -> None:
    with listening(window, token) as socket:
        socket.socket.sendall(b"\xff" * 100)
        assert closed_with(socket) == 1002


def test_who_may_not_come_in_is_told_why(window: Opened, token: str) -> None:
    for words, query, status in (
        (None, "", 401),
        ("kbu_x", "", 401),
        (token, "?after=x", 422),
        (token, "?after=-1", 422),
    ):
        headers = {} if words is None else {"Authorization": f"Bearer {words}"}
        with pytest.raises(InvalidStatus) as refused, connect(url(window, query), additional_headers=headers):
            pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body or b"")["status"] == status


def test_a_page_of_another_origin_gets_no_socket(window: Opened, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus) as refused, connect(url(window), additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_a_wrong_token_offered_as_a_protocol_waits_like_any_other_and_is_noted(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    monkeypatch.setattr("koubou.window.notes.Notes.refused", lambda _, source, token=None: noted.append(source))
    offered = [Subprotocol("koubou.v1"), Subprotocol("bearer.kbu_wrong")]
    with pytest.raises(InvalidStatus), connect(url(window), subprotocols=offered):
        pass
    assert noted == ["api 127.0.0.1"]


def test_who_hangs_up_in_a_quiet_workshop_leaves_his_place_to_others(window: Opened) -> None:
    token = window.token(Role.VIEWER)
    for _ in range(20):
        with listening(window, token):
            pass
    with listening(window, token, "?after=0") as socket:
        assert heard(socket)["id"] > 0


def test_one_token_does_not_take_all_places(window: Opened, token: str) -> None:
    greedy = window.token(Role.VIEWER)
    with listening(window, greedy), listening(window, greedy), listening(window, greedy):
        assert window.ask("/api/v1/me", greedy).status == 503
        assert window.ask("/api/v1/me", token).status == 200


def test_a_token_that_is_revoked_ends_its_sockets_also_while_much_happens(
    window: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT", 0.3)
    token = window.token(Role.VIEWER)
    with listening(window, token) as socket:
        with window.board.transaction():
            window.board.tokens.revoke(token[4:14], NOW)
        with pytest.raises(ConnectionClosed) as end:
            hear_for_ever(window, socket)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1008


def test_who_sends_pings_and_takes_no_answer_is_let_go(
    window: Opened, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.window.connections.STALLED_AFTER", 0.5)
    with socket.create_connection(("127.0.0.1", window.port), timeout=10) as raw:
        raw.sendall(HANDSHAKE.format(token=token).encode())
        assert raw.recv(12) == b"HTTP/1.1 101"
        pings = (b"\x89\xfd\x00\x00\x00\x00" + b"x" * 125) * 1_000
        with pytest.raises(ConnectionError):
            raw.sendall(pings * 2_000)  # without an end they would be 250 MB of answers


HANDSHAKE = (
    "GET /api/v1/events/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
)


def url(window: Opened, query: str = "") -> str:
    return f"ws://127.0.0.1:{window.port}/api/v1/events/ws{query}"


def listening(window: Opened, token: str, query: str = "") -> ClientConnection:
    return connect(url(window, query), additional_headers={"Authorization": f"Bearer {token}"})


def heard(socket: ClientConnection) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return line


def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as end:
        socket.recv(timeout=10)
    return None if end.value.rcvd is None else end.value.rcvd.code


def hear_for_ever(window: Opened, socket: ClientConnection) -> None:
    for number in range(200):
        happens(window, f"again {number}")
        heard(socket)


def happens(window: Opened, reason: str) -> None:
    with window.board.transaction():
        window.board.history.add(None, "system.paused", reason, NOW, WORKSHOP)
