"""How the board is opened: for the one writer, for readers, in memory for tests."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koubou.board.history import chained
from koubou.board.migrating import back_up, is_passing, migrate, migrations
from koubou.errors import BoardUnavailable, BoardUnusable

__all__ = ["back_up", "open_for_reading", "open_for_writing", "open_in_memory", "readable"]

_STATEMENTS_CACHED = 256
_READ_TIMEOUT = 2.0
_OPEN_TIMEOUT = 10.0
_WRITE_TIMEOUT = 0.25
"""Seconds for which a turn waits while somebody else holds the board; the loop has more to do, and comes back."""
_EXAMINED_FOR = 0.5
"""Seconds for which a board is looked over at its opening: a gigabyte takes 0.3 s (long texts) to 5 s (short rows)."""
_STEPS_BETWEEN_LOOKS = 10_000
_WAL_KEPT = 64 * 1024 * 1024
"""Bytes to which the write-ahead log is cut once it has been folded into the board."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one read-write connection; the caller holds the workshop's lock. Makes or migrates the board.

    Raises BoardUnusable when it is damaged or newer than this program, BoardUnavailable when it cannot be opened.
    """
    try:
        connection = _connect(path, timeout=_OPEN_TIMEOUT)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.DatabaseError as error:
        if is_passing(error):
            raise BoardUnavailable(f"{path}: the board cannot be opened: {error}") from error
        raise BoardUnusable(damaged(path, error)) from error
    except OSError as error:
        where = error.filename or path.parent
        raise BoardUnavailable(f"{where}: the board cannot be copied before it is changed: {error.strerror}") from error
    path.chmod(0o640)
    return connection


def damaged(path: Path | str, what: object) -> str:
    """What an operator is told of a damaged board, and the way back."""
    return (
        f"{path}: the board is damaged ({what}); koubou board check says more, "
        "and koubou board restore FILE puts a backup in its place"
    )


def open_for_reading(path: Path, *, served: bool) -> sqlite3.Connection:
    """A read-only connection. `served` = somebody holds the workshop's lock, so that the file may change.

    Without a server the file is taken as it is, unless a write-ahead log was left by a crash. Raises BoardUnavailable.
    """
    if not path.exists():
        raise BoardUnavailable(f"{path}: there is no board yet; koubou serve makes it")
    still = not served and not os.path.exists(f"{path}-wal")
    try:
        return _connect(path, timeout=_READ_TIMEOUT, query="mode=ro&immutable=1" if still else "mode=ro")
    except sqlite3.OperationalError as error:
        raise BoardUnavailable(f"{path}: the board cannot be read: {error}") from error


@contextmanager
def readable() -> Iterator[None]:
    """Says BoardUnavailable where sqlite cannot read."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BoardUnavailable(f"the board cannot be read: {error}") from error


def open_in_memory() -> sqlite3.Connection:
    """A fresh board that nobody else sees."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=_STATEMENTS_CACHED)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    chained(connection)
    migrate(connection, None, _migrations())
    return connection


def _connect(path: Path, *, timeout: float, query: str = "") -> sqlite3.Connection:
    # Forty-odd distinct statements a turn: a larger cache than the default keeps each of them prepared.
    location = path.absolute().as_uri() + (f"?{query}" if query else "")
    connection = sqlite3.connect(
        location,
        uri=True,
        timeout=timeout,
        isolation_level=None,
        cached_statements=_STATEMENTS_CACHED,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if not path.exists() or path.stat().st_size == 0:
        # Only before the first table is there: so that room can be given back in small portions.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is removed is gone from the file, too
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")
    _examine(connection, path)
    chained(connection)
    migrate(connection, path, _migrations())
    connection.execute(f"PRAGMA busy_timeout = {round(_WRITE_TIMEOUT * 1000)}")


def _examine(connection: sqlite3.Connection, path: Path) -> None:
    """Look the board's pages over, for a moment only: damage that is found later stops the workshop then."""
    deadline = time.monotonic() + _EXAMINED_FOR
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS_BETWEEN_LOOKS)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise BoardUnusable(damaged(path, found))


def _migrations() -> list[tuple[int, str]]:
    return list(migrations())
