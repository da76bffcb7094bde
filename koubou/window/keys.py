"""Idempotency-Key: what was answered to a key is answered again, for a day, also after a restart of the window.

The notes are a small file of the window's own; the board has one writer, which is the master.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from contextlib import closing

import msgspec
from msgspec import Struct

from koubou.errors import BoardUnavailable
from koubou.model.access import Caller
from koubou.model.instant import DAY, Instant
from koubou.window.problems import Trouble

_MOST = 100_000
_LARGEST_ANSWER = 65_536
_LOCKED_FOR = 5.0
"""Seconds for which another window may have the file, which is about to end."""
_TABLE = """CREATE TABLE IF NOT EXISTS answer (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, at INTEGER NOT NULL, only_once INTEGER NOT NULL DEFAULT 0,
  status INTEGER, headers TEXT, body BLOB
) STRICT, WITHOUT ROWID"""


class Given(Struct, frozen=True, kw_only=True):
    """An answer that was given."""

    status: int
    headers: dict[str, str]
    body: bytes


class Keys:
    """`begin` before a change, `end` with its answer. Safe from several threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = _opened(path)
        self._count = 0
        self._under_way: set[str] = set()

    def begin(self, key: str, request: str, now: Instant) -> Given | None:
        """The answer that was given to this key; None where it is new, or its answer was never noted.

        Raises Trouble (422) for a key of another request, (409) while the first one is under way, or where it was cut
        short and may have been done.
        """
        with self._lock:
            self._forget(now)
            row = self._connection.execute("SELECT * FROM answer WHERE key = ?", (key,)).fetchone()
            if row is not None and row["request"] != request:
                raise Trouble(422, "key_used", "this Idempotency-Key belongs to another request; take a new one")
            if key in self._under_way:
                raise Trouble(409, "unclear", "the first request with this Idempotency-Key is under way: ask again")
            if row is not None and row["status"] is None and row["only_once"]:
                raise Trouble(409, "unclear", "whether this was done is not known: look, and take a new key")
            if row is None or row["status"] is None:
                self._under_way.add(key)
                self._connection.execute(
                    "INSERT OR IGNORE INTO answer (key, request, at) VALUES (?, ?, ?)", (key, request, now)
                )
                return None
            headers = msgspec.json.decode(row["headers"], type=dict[str, str])
            return Given(status=row["status"], headers=headers, body=row["body"])

    def mark(self, key: str) -> None:
        """What comes now must not be done twice: a try that is cut short is not repeated."""
        with self._lock:
            self._connection.execute("UPDATE answer SET only_once = 1 WHERE key = ?", (key,))

    def end(self, key: str, given: Given) -> None:
        """Note the answer."""
        with self._lock:
            self._under_way.discard(key)
            if len(given.body) <= _LARGEST_ANSWER:
                values = (given.status, msgspec.json.encode(given.headers).decode(), given.body, key)
                self._connection.execute("UPDATE answer SET status = ?, headers = ?, body = ? WHERE key = ?", values)

    def drop(self, key: str, *, unclear: bool) -> None:
        """It came to nothing: the same key may try again; `unclear` = perhaps it was done all the same."""
        with self._lock:
            self._under_way.discard(key)
            if not unclear:
                self._connection.execute("DELETE FROM answer WHERE key = ? AND status IS NULL", (key,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _forget(self, now: Instant) -> None:
        self._count += 1
        if self._count % 100 == 1:
            self._connection.execute("DELETE FROM answer WHERE at < ?", (now - DAY,))
            kept = "SELECT key FROM answer ORDER BY at DESC LIMIT -1 OFFSET ?"
            self._connection.execute(f"DELETE FROM answer WHERE key IN ({kept})", (_MOST,))  # noqa: S608 - ours alone


def key_of(caller: Caller, path: str, key: str) -> str:
    """A key is its caller's own, and of one path."""
    return _digest(f"{caller.actor}\0{caller.uid}\0{path}\0{key}".encode())


def request_of(body: bytes) -> str:
    """By what the same request is known again."""
    return _digest(body)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _opened(path: str) -> sqlite3.Connection:
    """The notes; a file that is none any more is begun anew, and not one that only cannot be read just now."""
    try:
        return _connected(path)
    except sqlite3.OperationalError as error:
        raise BoardUnavailable(f"{path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError:
        os.unlink(path)
        return _connected(path)


def _connected(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_LOCKED_FOR)
    try:
        connection.row_factory = sqlite3.Row
        with closing(connection.execute("PRAGMA journal_mode=WAL")):
            connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_TABLE)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
