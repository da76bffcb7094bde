"""What people look through: the newest tasks of a status, ids and sessions that begin so. All of it bounded."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from msgspec.structs import replace

from koubou.board.connection import readable
from koubou.board.rows import TASK_COLUMNS, task_from_row
from koubou.board.sql import statements
from koubou.model.status import Status
from koubou.model.task import Task

if TYPE_CHECKING:
    from koubou.board.filter import Filter

SQL = statements("browsing", TASK=TASK_COLUMNS)


class Browsing:
    """Questions that do not become dear with the board: nothing is sorted. Every method raises BoardUnavailable."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def newest(self, status: Status, wanted: Filter, limit: int) -> list[Task]:
        """The newest tasks of one status that are meant, whatever `wanted` says of the status."""
        statement, values = replace(wanted, status=()).statement(SQL["newest_of_status"], SQL["if_one_status"])
        with readable():
            rows = self._execute(statement, {**values, "one_status": status, "limit": limit})
            return [task_from_row(row) for row in rows]

    def ids_like(self, prefix: str, limit: int) -> list[tuple[str, Status]]:
        """Ids that begin so, without regard to case, with how their tasks stand."""
        with readable():
            rows = self._execute(SQL["ids_like"], {"prefix": prefix, "limit": limit})
            return [(row["id"], Status(row["status"])) for row in rows]

    def sessions_like(self, prefix: str, limit: int) -> list[str]:
        """Names of sessions that begin so."""
        with readable():
            return [row[0] for row in self._execute(SQL["sessions_like"], {"prefix": prefix, "limit": limit})]
