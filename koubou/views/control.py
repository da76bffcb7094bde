"""Asking the master: one line of JSON to its socket, one line back."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from koubou.errors import BoardUnavailable, IllegalMove, KoubouError, NoMaster, NotAllowed, UnknownTask, UsageMistake

NAME = "control.sock"
_LONGEST_PATH = 107
"""Bytes of a socket's path, one of the 108 being for the NUL."""
_PATIENCE = 30.0
_AT_ONCE = 500
"""Ids of one request."""
_LONGEST_LINE = 16 * 1024 * 1024
_CHUNK = 65536

_ERRORS: Mapping[str, type[KoubouError]] = {
    "unknown_task": UnknownTask,
    "illegal_move": IllegalMove,
    "not_allowed": NotAllowed,
    "usage": UsageMistake,
    "unavailable": BoardUnavailable,
}


def ask(run: str, verb: str, patience: float = _PATIENCE, **arguments: Any) -> Any:
    """What the master of the workshop whose `run` folder this is answers.

    Raises NoMaster where none answers within `patience` seconds, and the error that the master names.
    """
    try:
        with _connected(run, patience) as connection:
            connection.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            line = _line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoMaster(f"nobody serves this workshop ({run}); start it: koubou serve") from None
    except PermissionError:
        raise NotAllowed(
            f"{run}/{NAME}: you may not ask this workshop's master; its operator or service user may"
        ) from None
    except TimeoutError:
        raise NoMaster(f"the master does not answer within {patience:g} s; see its journal") from None
    except OSError as error:
        raise NoMaster(f"the master was not reached: {error.strerror or error}") from None
    return _reply(line)


def ask_for_each(run: str, verb: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The master's word on each of these tasks: [{"id", "ok", "message"}]. Raises as `ask` does."""
    results: list[dict[str, Any]] = []
    for start in range(0, len(ids), _AT_ONCE):
        results += ask(run, verb, ids=list(ids[start : start + _AT_ONCE]))["results"]
    return results


@contextmanager
def _connected(run: str, patience: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(patience)
        path = f"{run}/{NAME}"
        if len(os.fsencode(path)) <= _LONGEST_PATH:
            connection.connect(path)
        else:
            folder = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                connection.connect(f"/proc/self/fd/{folder}/{NAME}")
            finally:
                os.close(folder)
        yield connection


def _line(connection: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        chunk = connection.recv(_CHUNK)
        data += chunk
        if not chunk or len(data) > _LONGEST_LINE:
            raise NoMaster("the master hung up before it had answered; see its journal")
    return bytes(data)


def _reply(line: bytes) -> Any:
    try:
        reply = json.loads(line)
    except ValueError:
        reply = None
    return meaning_of(reply)


def meaning_of(reply: Any) -> Any:
    """What a reply says. Raises the error that it names."""
    match reply:
        case {"ok": value}:
            return value
        case {"error": {"kind": str(kind), "message": str(message)}}:
            raise _ERRORS.get(kind, KoubouError)(message)
    raise NoMaster("the master's answer is not understood: is it of another version? Restart it")
