"""The history as a whole: its lines by what they tell, and the chain that proves them."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator

from msgspec import Struct

from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.rules.chain import Gap, Link

SQL = statements("audit")


class Wanted(Struct, frozen=True, kw_only=True):
    """Which lines are meant; what is None does not narrow. An event also stands for those beneath it: `token`."""

    actor: str | None = None
    event: str | None = None
    since: Instant | None = None
    task: str | None = None


class AuditLine(Struct, frozen=True, kw_only=True):
    """A line with the id of its task."""

    id: int
    task: str | None
    at: Instant
    event: str
    reason: str
    actor: str
    source: str
    hash: bytes | None


class Audit:
    """Asked within a picture of the board."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def pieces(self) -> Iterator[Link | Gap]:
        """The chain in order: lines, and where lines have gone."""
        gaps = (Gap(**dict(row)) for row in self._execute(SQL["gaps"]))
        links = (Link(**dict(row)) for row in self._execute(SQL["chain"]))
        return heapq.merge(gaps, links, key=lambda piece: piece.id)

    def counted(self) -> int:
        """How many lines are said to have gone."""
        return int(self._execute(SQL["counted"]).fetchone()[0])

    def lines(self, wanted: Wanted, limit: int) -> list[AuditLine]:
        """So many of the newest lines that are meant, the oldest of them first."""
        given = {name: value for name in Wanted.__struct_fields__ if (value := getattr(wanted, name)) is not None}
        conditions = " AND ".join(SQL[f"if_{name}"] for name in given) or SQL["if_any"]
        statement = SQL["lines"].replace("{conditions}", conditions)
        rows = self._execute(statement, given | {"limit": limit}).fetchall()
        return [AuditLine(**dict(row)) for row in reversed(rows)]
