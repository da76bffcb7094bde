"""Is the board whole? What SQLite can tell of its pages, and whether its own sums and promises hold."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from koubou.board.connection import open_for_reading
from koubou.board.migrating import back_up, migrations, version_of
from koubou.board.sql import statements
from koubou.errors import BoardUnavailable, BoardUnusable
from koubou.model.account import AccountKey, Dimension
from koubou.model.instant import Instant

SQL = statements("care")
_MOST = 100
"""Troubles of one kind that are told."""
_OURS = frozenset({"task", "request", "run", "ledger", "account"})


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be. `kind` is one of: pages, version, keys, money, runs, text, folder."""

    kind: str
    where: str
    what: str


class Shelved(Struct, frozen=True, kw_only=True):
    """What the board says of a task's papers: its status, whether they were filed, and removed again since."""

    status: str
    filed: bool
    removed: bool


def check(connection: sqlite3.Connection, *, served: bool) -> list[Trouble]:
    """Everything that is wrong within the board. `served`: a master is at work on it, and owes nothing to a restart."""
    try:
        troubles = list(_pages(connection))
        if any(trouble.kind in ("pages", "version") for trouble in troubles):
            return troubles  # what stands on damaged pages proves nothing
        connection.execute("BEGIN")
        try:
            troubles += _keys(connection)
            troubles += _money(connection)
            troubles += _tasks(connection, served)
        finally:
            connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        return [Trouble(kind="pages", where="the file", what=str(error))]
    return troubles


def known_tasks(connection: sqlite3.Connection) -> Mapping[str, Shelved]:
    """Every task on the board by its id, to be compared with the folders. Raises sqlite's own."""
    return {
        row["id"]: Shelved(status=row["status"], filed=bool(row["filed"]), removed=bool(row["removed"]))
        for row in connection.execute(SQL["known"])
    }


def shelved_tasks(connection: sqlite3.Connection) -> Mapping[str, str]:
    """The status of each task whose papers must stand on a shelf, by its id. Raises sqlite's own."""
    return dict(connection.execute(SQL["shelved"]).fetchall())


def restore(copy: Path, board: Path) -> tuple[Path | None, Instant | None]:
    """Put a copy in the board's place; (where the old board lies now, until when the copy knows what happened).

    The caller holds the workshop's lock. The copy stays as it is; nothing is changed where it is not whole:
    BoardUnusable. Raises BoardUnavailable where it cannot be read, OSError where the new board cannot be written.
    """
    fresh = board.with_name(f".{board.name}.restored")
    fresh.unlink(missing_ok=True)
    with closing(open_for_reading(copy, served=False)) as reader:
        try:
            known_until = _examined(copy, reader)
            back_up(reader, fresh)
        except sqlite3.OperationalError as error:
            raise BoardUnavailable(f"{copy}: cannot be read or copied: {error}") from error
        except sqlite3.DatabaseError as error:
            raise BoardUnusable(f"{copy}: is no whole board ({error}); nothing was changed") from error
    aside = _put_aside(board)
    fresh.chmod(0o640)
    fresh.rename(board)
    _sync(board.parent)
    return aside, known_until


def _examined(copy: Path, reader: sqlite3.Connection) -> Instant | None:
    version, newest = version_of(reader), migrations()[-1][0]
    if version > newest:
        raise BoardUnusable(f"{copy}: is of version {version}, this program knows {newest}: upgrade koubou")
    tables = {row[0] for row in reader.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if version == 0 or not tables >= _OURS:
        raise BoardUnusable(f"{copy}: is no board of Koubou; nothing was changed")
    found = reader.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise BoardUnusable(f"{copy}: is damaged itself ({found}); nothing was changed")
    newest_at: Instant | None = reader.execute(SQL["newest"]).fetchone()[0]
    return newest_at


def _put_aside(board: Path) -> Path | None:
    """Give the old board a second, dated name, so that the new one can take its place at one stroke."""
    if not board.exists():
        return None
    aside = board.with_name(f"{board.stem}-replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.db")
    # A write-ahead log belongs to the old board, and must never be read into the new one.
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{board}-wal", f"{aside}-wal")
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(board, isolation_level=None)) as old:
        if old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
            Path(f"{aside}-wal").unlink(missing_ok=True)  # the file alone is all of it
    for end in ("-wal", "-shm"):
        Path(f"{board}{end}").unlink(missing_ok=True)
    os.link(board, aside)
    _sync(board.parent)
    return aside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pages(connection: sqlite3.Connection) -> Iterator[Trouble]:
    version, newest = version_of(connection), migrations()[-1][0]
    if version != newest:
        advice = "upgrade koubou" if version > newest else "the next koubou serve brings it up to date"
        what = f"is of version {version}, this program knows {newest}: {advice}"
        yield Trouble(kind="version", where="the board", what=what)
    for row in connection.execute(f"PRAGMA integrity_check({_MOST})"):
        if row[0] != "ok":
            yield Trouble(kind="pages", where="the file", what=row[0])


def _keys(connection: sqlite3.Connection) -> Iterator[Trouble]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST):
        yield Trouble(kind="keys", where=f"{table} {row}", what=f"belongs to a {parent} that is not there")


def _money(connection: sqlite3.Connection) -> Iterator[Trouble]:
    """Each account is the sum of its lines, and what is held is what is promised to calls without an end."""
    settled, held = _sums(connection)
    for name, dimension, stands, promised, *_ in connection.execute(SQL["accounts"]).fetchall():
        key = AccountKey(name, dimension)
        if dimension not in _MOVED:
            continue  # an agent's deeds are counted without lines
        if stands != settled[key]:
            what = f"has settled {stands:,}, and its lines in the ledger come to {settled[key]:,}"
            yield Trouble(kind="money", where=f"account {name} ({dimension})", what=what)
        if promised != held[key]:
            what = f"holds {promised:,}, and calls without an end were promised {held[key]:,}"
            yield Trouble(kind="money", where=f"account {name} ({dimension})", what=what)
    for call, task, run in connection.execute(SQL["open_holds"], {"limit": _MOST}):
        what = f"run {run} of {task} is over, and what was held for it is neither settled nor released"
        yield Trouble(kind="money", where=f"call {call}", what=what)


_MOVED = frozenset({Dimension.USD, Dimension.TOKENS, Dimension.CALLS, Dimension.TIME})


def _sums(connection: sqlite3.Connection) -> tuple[dict[AccountKey, int], dict[AccountKey, int]]:
    """(settled, held) of every account, by the ledger alone: the same additions in the same order as they were made."""
    settled: dict[AccountKey, int] = defaultdict(int)
    held: dict[AccountKey, int] = defaultdict(int)
    promised: dict[str, sqlite3.Row] = {}
    for line in connection.execute(SQL["lines"]):
        keys = [AccountKey(*key) for key in json.loads(line["accounts"])]
        match line["kind"]:
            case "hold":
                promised[line["call"]] = line
                for key in keys:
                    held[key] += _amount(line, key.dimension)
            case "settle" | "release":
                hold = promised.pop(line["call"], None)
                for key in keys:
                    held[key] -= _amount(hold, key.dimension) if hold is not None else 0
                    settled[key] += _amount(line, key.dimension, begun=line["kind"] == "settle")
            case "reconcile":
                for key in keys:
                    settled[key] = max(0, settled[key] + line["amount"])
            case "carry":
                for key in keys:
                    calls = key.dimension == Dimension.CALLS
                    settled[key] += _amount(line, Dimension.TOKENS if calls else key.dimension)
            case _:
                for key in keys:
                    settled[key] = 0
    return settled, held


def _amount(line: sqlite3.Row, dimension: str, begun: bool = True) -> int:
    match dimension:
        case Dimension.USD:
            return int(line["amount"])
        case Dimension.TOKENS:
            return int(line["tokens"])
        case Dimension.TIME:
            return int(line["time"])
        case Dimension.CALLS:
            return int(begun)
    return 0


def _tasks(connection: sqlite3.Connection, served: bool) -> Iterator[Trouble]:
    for (task,) in connection.execute(SQL["textless"], {"limit": _MOST}):
        yield Trouble(kind="text", where=f"task {task}", what="its text is not there, and nobody removed it")
    if served:  # else the next master accounts for them
        for task, run, worker in connection.execute(SQL["orphan_runs"], {"limit": _MOST}):
            what = f"run {run} is at work by the board, and its worker {worker} has ended"
            yield Trouble(kind="runs", where=f"task {task}", what=what)
