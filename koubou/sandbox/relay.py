"""`python3 -I -S relay.py PORT SOCKET -- argv…`: inside the walls, leads 127.0.0.1:PORT to the gateway and runs argv.

Ends with the agent's status, 128+n for a signal n, 127 where it cannot be started. When it ends, the init that
bubblewrap leaves inside ends too, and with it whoever is left there.
"""

from __future__ import annotations

import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from threading import Semaphore

_USAGE = 64
_NOT_FOUND = 127
_PIECE = 1 << 16
_WAITING = 1024
_AT_ONCE = 500
"""Connections open at the same time; the others wait in the kernel's queue until one ends."""
_IGNORED_BY_PYTHON = (13, 25)
"""SIGPIPE and SIGXFSZ: the agent must not ignore them too."""


def main(arguments: list[str]) -> int:
    """Serve the port while the agent runs; its status."""
    if len(arguments) < 4 or not arguments[0].isdecimal() or arguments[2] != "--":
        sys.stderr.write("relay.py is started inside a sandbox, not by people\n")
        return _USAGE
    port, way, argv = int(arguments[0]), arguments[1], arguments[3:]
    door = _listen(port)  # before the agent starts: it may connect at once
    try:
        agent = os.posix_spawnp(argv[0], argv, os.environ, setsigdef=_IGNORED_BY_PYTHON)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        return _NOT_FOUND
    _serve(door, way)
    status = os.waitstatus_to_exitcode(os.waitpid(agent, 0)[1])
    return status if status >= 0 else 128 - status


def _listen(port: int) -> _socket.socket:
    door = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    door.bind(("127.0.0.1", port))
    door.listen(_WAITING)
    return door


def _serve(door: _socket.socket, way: str) -> None:
    """Lead whoever comes to the gateway, in threads that end with the program."""
    import socket  # these two take as long as all the rest of a start: meanwhile the agent starts
    import threading

    places = threading.Semaphore(_AT_ONCE)
    listening = socket.socket(fileno=door.detach())
    threading.Thread(target=_accept, args=(listening, way, places), daemon=True).start()


def _accept(door: socket, way: str, places: Semaphore) -> None:
    import threading

    while True:
        places.acquire()
        try:
            agent, _ = door.accept()
        except OSError:  # it has gone again already
            places.release()
            continue
        threading.Thread(target=_lead, args=(agent, way, places), daemon=True).start()


def _lead(agent: socket, way: str, places: Semaphore) -> None:
    """One connection: both directions until both have ended. Where the gateway does not answer it is closed."""
    import socket
    import threading

    try:
        with agent, socket.socket(socket.AF_UNIX) as gateway:
            agent.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what the model says is not to be held back
            gateway.connect(way)
            asking = threading.Thread(target=_pass_on, args=(agent, gateway), daemon=True)
            asking.start()
            _pass_on(gateway, agent)
            asking.join()
    except OSError:
        pass
    finally:
        places.release()


def _pass_on(source: socket, sink: socket) -> None:
    """One direction, as fast as it is read at the other end, until its end: that is passed on too."""
    import contextlib
    import socket

    try:
        while data := source.recv(_PIECE):
            sink.sendall(data)
    except OSError:
        pass
    for end, direction in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):  # it has gone
            end.shutdown(direction)


if __name__ == "__main__":
    # Not sys.exit: it would wait for nothing, but take the interpreter apart under threads that still pass bytes on.
    os._exit(main(sys.argv[1:]))
