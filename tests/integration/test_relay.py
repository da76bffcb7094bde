"""The relay leads every connection of an agent to the gateway whole, and is the agent to whoever waits for it."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from inside import PORT, PYTHON, Gateway, House, echo, needs_walls

from koubou.sandbox import relay

pytestmark = needs_walls

CONNECT = f"""
def connect():
    return socket.create_connection(("127.0.0.1", {PORT}), timeout=60)
def all_of(connection):
    pieces = []
    while piece := connection.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@contextmanager
def gateway(house: House, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    standing = Gateway(house.socket, serve)
    try:
        yield
    finally:
        standing.close()


def test_it_listens_before_the_agent_starts(house: House) -> None:
    with gateway(house, echo):
        code = f"{CONNECT}c = connect(); c.sendall(b'hello'); print(json.dumps(c.recv(5).decode()))"
        assert house.python(code) == "hello"


def test_large_bodies_go_both_ways_and_ends_are_passed_on(house: House) -> None:
    code = f"""{CONNECT}
import hashlib, threading
body = os.urandom(1 << 20) * 64
def send(c):
    c.sendall(body)
    c.shutdown(socket.SHUT_WR)
c = connect()
threading.Thread(target=send, args=(c,)).start()
print(json.dumps(all_of(c) == body))
"""
    with gateway(house, echo):
        assert house.python(code) is True


def test_many_connections_at_once_are_kept_apart(house: House) -> None:
    everybody = threading.Barrier(200)

    def serve(connection: socket.socket) -> None:
        everybody.wait(60)  # none is answered before all are open
        echo(connection)

    code = f"""{CONNECT}
open_ones = [connect() for _ in range(200)]
for number, c in enumerate(open_ones):
    c.sendall(b"%d" % number)
    c.shutdown(socket.SHUT_WR)
print(json.dumps([int(all_of(c)) for c in open_ones] == list(range(200))))
"""
    with gateway(house, serve):
        assert house.python(code) is True


def test_more_connections_than_it_leads_at_once_wait_for_a_place(house: House) -> None:
    code = f"""{CONNECT}
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
open_ones = [connect() for _ in range(600)]
for c in open_ones[:500]:
    c.sendall(b"x")
    c.shutdown(socket.SHUT_WR)
    assert all_of(c) == b"x"
    c.close()
for c in open_ones[500:]:
    c.sendall(b"y")
    c.shutdown(socket.SHUT_WR)
print(json.dumps(all(all_of(c) == b"y" for c in open_ones[500:])))
"""
    with gateway(house, echo):
        assert house.python(code) is True


def test_an_answer_can_come_before_the_request_has_ended(house: House) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"too large")

    code = f"""{CONNECT}
c = connect()
c.sendall(b"x")
print(json.dumps(all_of(c).decode()))
"""
    with gateway(house, refuse):
        assert house.python(code) == "too large"


def test_a_gateway_that_reads_nothing_holds_the_agent_back(house: House) -> None:
    done = threading.Event()

    def wait(connection: socket.socket) -> None:
        done.wait(60)
        while connection.recv(1 << 20):
            pass

    code = f"""{CONNECT}
c = connect()
c.settimeout(2)
sent = 0
try:
    while sent < 1 << 28:
        sent += c.send(b"x" * (1 << 16))
except TimeoutError:
    pass
print(json.dumps(sent))
"""
    with gateway(house, wait):
        assert house.python(code) < 1 << 25
        done.set()


def test_the_gateway_sees_that_an_agent_has_gone(house: House) -> None:
    seen = []

    def stream(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"x" * 1024)
        except OSError as error:
            seen.append(error)

    code = f"""{CONNECT}
c = connect()
c.recv(1)
c.close()
c = connect()
c.recv(1)
print(1)
"""
    with gateway(house, stream):
        house.python(code)
    assert len(seen) == 2


def test_where_there_is_no_gateway_a_connection_ends_at_once(house: House) -> None:
    with gateway(house, echo):
        pass
    code = f"""{CONNECT}
try:
    answer = connect().recv(1)
except ConnectionError:
    answer = b""
print(json.dumps(len(answer)))
"""
    assert house.python(code) == 0


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("sleep 60 & exit 5", 5)],
)
def test_its_end_is_that_of_the_agent(house: House, script: str, status: int) -> None:
    with gateway(house, echo):
        assert house.execute("sh", "-c", script).returncode == status


def test_an_agent_that_cannot_be_started_is_told(house: House) -> None:
    with gateway(house, echo):
        done = house.execute("/no/such/agent")
    assert done.returncode == 127
    assert done.stderr == "/no/such/agent: No such file or directory\n"


def test_the_agent_does_not_ignore_the_signals_that_python_does(house: House) -> None:
    with gateway(house, echo):
        done = house.execute("grep", "SigIgn", "/proc/self/status")
    ignored = int(done.stdout.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_it_is_nothing_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert relay.main(["8000"]) == 64
    assert "not by people" in capsys.readouterr().err


def test_python_is_found_inside_wherever_it_lies(house: House) -> None:
    assert house.execute(PYTHON, "-c", "print(1)").stdout == "1\n"
