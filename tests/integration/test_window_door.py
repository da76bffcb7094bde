"""The door of a window that is open to this machine: who is of it, how often he may ask, how much he may say."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from windows import Opened, opened

from koubou.errors import BoardUnavailable
from koubou.window.listening import open_socket


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    settings = "{listen: 127.0.0.1:0, open_to_loopback: true, requests_per_minute: 5, max_body: 1kB}"
    with opened(tmp_path_factory.mktemp("window"), settings) as found:
        yield found


def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(BoardUnavailable, match=r"Address already in use; .* choose another address"):
            open_socket(f"127.0.0.1:{taken.getsockname()[1]}")


def test_who_was_passed_on_by_a_proxy_is_not_of_this_machine(window: Opened) -> None:
    assert window.ask("/api/v1/me").json["role"] == "viewer"
    for header in ("X-Forwarded-For", "Forwarded", "Via"):
        assert window.ask("/api/v1/me", headers={header: "10.0.0.7"}).status == 401


def test_what_is_too_large_is_refused_before_it_is_read(window: Opened) -> None:
    assert window.ask("/api/v1/tasks", method="POST", body=b"x" * 2_000).status == 413


def test_who_asks_too_often_is_told_when_to_come_again(window: Opened) -> None:
    answers = [window.ask("/api/v1/me") for _ in range(8)]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_an_answer_of_two_writes_does_not_wait_for_the_other_end() -> None:
    with open_socket("127.0.0.1:0") as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
