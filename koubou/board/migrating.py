"""Bringing a board up to date: numbered steps, each in one transaction, behind a copy of the board as it was."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from koubou.errors import BoardUnusable

BACKUPS = "backups"
"""The folder beside the board where copies of it are put before it is changed."""

_COPIES_KEPT = 3
_OF_OURS = re.compile(r"koubou-\d+-[0-9TZ-]+\.db")
_PASSING = frozenset(
    {
        *(
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_READONLY,
        ),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM),
    }
)
_PRIMARY = 0xFF

Migration = tuple[int, str]
"""The version that a step leads to, and its SQL."""


def migrations() -> Sequence[Migration]:
    """All steps, in order."""
    folder = resources.files(__package__).joinpath("migrations")
    found = [entry for entry in folder.iterdir() if re.fullmatch(r"\d{4}\.sql", entry.name)]
    return sorted((int(entry.name[:4]), entry.read_text(encoding="utf-8")) for entry in found)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a board's schema; 0 for one that has nothing yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path | None, steps: Sequence[Migration]) -> None:
    """Bring an older board up to date; `path` is its file, None in memory. Raises BoardUnusable and sqlite's own.

    What had stood in a file is copied to `backups/` first. Whatever ends a step leaves the board at the step before.
    """
    version, newest = version_of(connection), steps[-1][0]
    where = path or ":memory:"
    if version > newest:
        raise BoardUnusable(f"{where}: the board is of version {version}, this program knows {newest}: upgrade koubou")
    if path is not None and 0 < version < newest:
        copy_aside(connection, path, str(version))
    for number, script in steps:
        if number > version:
            try:
                _take(connection, number, script)
            except sqlite3.OperationalError as error:
                if is_passing(error):
                    raise
                raise BoardUnusable(
                    f"{where}: the board cannot be brought from version {number - 1} to {number} ({error}): it stays "
                    f"as it was; serve it with the koubou that made it, and report this"
                ) from error


def is_passing(error: sqlite3.Error) -> bool:
    """Whether trying later may help: locked, full, out of reach."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY in _PASSING


def copy_aside(connection: sqlite3.Connection, path: Path, word: str) -> Path:
    """Copy a board into `backups/` as `koubou-<word>-<date>.db`; the oldest copies beyond three go. Raises OSError."""
    folder = path.parent / BACKUPS
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"koubou-{word}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
    back_up(connection, target)
    copies = sorted((each for each in folder.iterdir() if _OF_OURS.fullmatch(each.name)), key=_age)
    for old in copies[:-_COPIES_KEPT]:
        old.unlink(missing_ok=True)
    return target


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the board while it is in use, to a temporary name first; the file is whole when it has its name."""
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    except BaseException:
        copy.close()
        partial.unlink(missing_ok=True)
        raise
    copy.close()
    partial.chmod(0o600)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take(connection: sqlite3.Connection, number: int, script: str) -> None:
    # A step may build a table anew, under which others stand: the keys are looked at once, at its end.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}")
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise BoardUnusable(f"step {number} leaves {broken[0]} without its {broken[2]}: a bug, please report it")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _age(copy: Path) -> tuple[float, str]:
    return copy.stat().st_mtime, copy.name
