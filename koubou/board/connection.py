"""How the board is opened: for the one writer, for readers, in memory for tests."""

from __future__ import annotations

import os
import re
import sqlite3
from importlib import resources
from pathlib import Path

from koubou.errors import BoardUnavailable, BoardUnusable

_STATEMENTS_CACHED = 256
_READ_TIMEOUT = 2.0
_WRITE_TIMEOUT = 10.0


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one read-write connection; the caller holds the workshop's lock. Makes or migrates the board.

    Raises BoardUnusable when it is damaged or newer than this program, BoardUnavailable when it cannot be opened.
    """
    try:
        connection = _connect(path, timeout=_WRITE_TIMEOUT)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        raise BoardUnavailable(f"{path}: the board cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise BoardUnusable(f"{path}: the board is damaged ({error}); restore a backup in its place") from error
    path.chmod(0o640)
    return connection


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


def open_in_memory() -> sqlite3.Connection:
    """A fresh board that nobody else sees."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=_STATEMENTS_CACHED)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    _migrate(connection, Path(":memory:"))
    return connection


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the board while it is in use, to a temporary name first; the file is whole when it has its name."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    partial.chmod(0o600)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)


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
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -8000")
    _migrate(connection, path)


def _migrations() -> list[tuple[int, str]]:
    folder = resources.files(__package__).joinpath("migrations")
    found = [entry for entry in folder.iterdir() if re.fullmatch(r"\d{4}\.sql", entry.name)]
    return sorted((int(entry.name[:4]), entry.read_text(encoding="utf-8")) for entry in found)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an older board up to date, each step in a transaction of its own."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    migrations = _migrations()
    newest = migrations[-1][0]
    if version > newest:
        raise BoardUnusable(f"{path}: the board is of version {version}, this program knows {newest}: upgrade koubou")
    for number, script in migrations:
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
