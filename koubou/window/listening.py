"""The socket on which the window listens: an address and port, or a path."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress

from koubou.errors import BoardUnavailable

_UNIX = "unix:"
_WAITING = 512
_FOR_THE_GROUP = 0o660


def open_socket(listen: str) -> socket.socket:
    """Listen there. Raises BoardUnavailable where that cannot be, with the reason."""
    try:
        return _unix(listen.removeprefix(_UNIX)) if listen.startswith(_UNIX) else _internet(listen)
    except OSError as error:
        raise BoardUnavailable(
            f"the window cannot listen at {listen}: {error.strerror or error}{_hint(error)}"
        ) from error


def _hint(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "; a window may be open already (koubou serve keeps that of window.listen): choose another address"
        case errno.EADDRNOTAVAIL:
            return "; this machine has no such address"
    return ""


def tidy_up(listen: str) -> None:
    """Remove the path at which nobody listens any more; another window may by now."""
    if listen.startswith(_UNIX):
        with suppress(OSError):
            _remove_dead(listen.removeprefix(_UNIX))


def address_of(listener: socket.socket) -> str:
    """Where it listens, as a program would ask for it."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"{_UNIX}{name}"
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"


def _internet(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections have it from here: asyncio sees to it only where it has made the socket itself. Without it an
        # answer of two writes waits for what the other end acknowledges late, 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, int(port)))
        listener.listen(_WAITING)
    except OSError:
        listener.close()
        raise
    return listener


def _unix(path: str) -> socket.socket:
    with suppress(FileNotFoundError):
        _remove_dead(path)  # of a window that was killed
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.bind(path)
        os.chmod(path, _FOR_THE_GROUP)
        listener.listen(_WAITING)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_dead(path: str) -> None:
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as other:
        if other.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)
