"""What happened in the whole workshop, line by line as it is written: for who watches."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from koubou.board.connection import readable
from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.status import Status
from koubou.model.task import Sensitivity

SQL = statements("happened")


class Happening(Struct, frozen=True, kw_only=True):
    """One line of the history. What is said of its task is as it is now, and None of the workshop's own lines."""

    id: int
    at: Instant
    event: str
    reason: str
    actor: str
    source: str
    task: str | None
    owner: int | None
    sensitivity: Sensitivity | None
    status: Status | None


class Happened:
    """The history of all tasks and of the workshop, oldest first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def newest(self) -> int:
        """The id of the last line; 0 where there is none."""
        with readable():
            return int(self._execute(SQL["newest"]).fetchone()[0])

    def after(self, line: int, limit: int) -> Sequence[Happening]:
        """So many lines at most after a line."""
        with readable():
            rows = self._execute(SQL["after"], {"after": line, "limit": limit}).fetchall()
        return [
            Happening(
                **{name: row[name] for name in ("id", "at", "event", "reason", "actor", "source", "task", "owner")},
                sensitivity=Sensitivity(row["sensitivity"]) if row["sensitivity"] else None,
                status=Status(row["status"]) if row["status"] else None,
            )
            for row in rows
        ]
