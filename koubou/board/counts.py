"""What is counted on the board for the metrics: by index, in some ten milliseconds whatever the number of tasks."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from koubou.board.connection import readable
from koubou.board.rows import account_from_row
from koubou.board.sql import statements
from koubou.model.account import Account
from koubou.model.instant import Instant

SQL = statements("counts")


class Owed(Struct, frozen=True, kw_only=True):
    """How many deeds of a kind are owed, and since when the first; None where nobody notes that."""

    deed: str
    count: int
    since: Instant | None


class Size(Struct, frozen=True, kw_only=True):
    """How large the board is, in bytes, and how much of that is free."""

    used: int
    free: int


class Counts:
    """Ask within `Reading.picture`, so that the numbers agree. Every method raises BoardUnavailable."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def tasks(self) -> list[tuple[str | None, str, int]]:
        """(tier, status, number): how many tasks stand where; None for those that have met no tier."""
        return [tuple(row) for row in self._rows("tasks")]

    def first_in_line(self, tiers: Collection[str]) -> dict[str, Instant]:
        """When the task came that is next in each of these tiers' lines; without those where nobody waits."""
        found = {tier: self._rows("first_in_line", tier=tier) for tier in tiers}
        return {tier: rows[0][0] for tier, rows in found.items() if rows}

    def without_money(self) -> dict[str, int]:
        """How many tasks wait for money or another limit, by the kind of account that is used up."""
        return dict(self._rows("without_money"))

    def workers(self) -> list[tuple[str, str, int]]:
        """(tier, status, number) of the crew."""
        return [tuple(row) for row in self._rows("workers")]

    def accounts(self, now: Instant) -> Sequence[Account]:
        """The accounts of this moment's windows: month, day, tiers, models."""
        return [account_from_row(row) for row in self._rows("accounts", now=now)]

    def submitters(self, now: Instant) -> tuple[int, int]:
        """How many limits of submitters there are, and how many of those are used up."""
        limits, used_up = self._rows("submitters", now=now)[0]
        return limits, used_up

    def owed(self) -> list[Owed]:
        """What the board owes to the world, by deed."""
        return [Owed(deed=row["deed"], count=row["n"], since=row["since"]) for row in self._rows("owed")]

    def size(self) -> Size:
        """Of the board's pages."""
        with readable():
            pages, free, size = (
                int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return Size(used=pages * size, free=free * size)

    def _rows(self, statement: str, /, **values: object) -> list[Any]:
        with readable():
            return self._connection.execute(SQL[statement], values).fetchall()
