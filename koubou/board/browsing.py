"""What people look through: the newest tasks of a status, ids and sessions that begin so. All of it bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.board.connection import readable
from koubou.board.rows import TASK_COLUMNS, task_from_row
from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.money import Nano
from koubou.model.status import Park, ParkReason, Status
from koubou.model.task import Task

if TYPE_CHECKING:
    from koubou.board.filter import Filter


class Listed(Struct, frozen=True):
    """What a list shows of a task: a few columns, in their order, so that ten thousand are made of them quickly."""

    seq: int
    owner: int
    id: str
    title: str
    type: str
    status: str
    tier: str | None
    sensitivity: str | None
    difficulty: str | None
    priority: int
    session: str | None
    attempts: int
    judge_score: float | None
    upgraded_to: str | None
    lesser: str | None
    rated: str | None
    cost: Nano
    created_at: Instant
    updated_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    park: Park | None


_LISTED = tuple(name for name in Listed.__struct_fields__ if name != "park")
SQL = statements("browsing", TASK=TASK_COLUMNS, LISTED=", ".join((*_LISTED, "park", "park_detail", "park_until")))


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

    def listed(self, wanted: Filter, limit: int) -> list[Listed]:
        """The tasks that are meant, the newest first."""
        statement, values = wanted.statement(SQL["listed"])
        with readable():
            return [_listed(row) for row in self._execute(statement, {**values, "limit": limit})]

    def ids_like(self, prefix: str, limit: int) -> list[tuple[str, Status]]:
        """Ids that begin so, without regard to case, with how their tasks stand."""
        with readable():
            rows = self._execute(SQL["ids_like"], {"prefix": prefix, "limit": limit})
            return [(row["id"], Status(row["status"])) for row in rows]

    def sessions_like(self, prefix: str, limit: int) -> list[str]:
        """Names of sessions that begin so."""
        with readable():
            return [row[0] for row in self._execute(SQL["sessions_like"], {"prefix": prefix, "limit": limit})]


def _listed(row: Sequence[Any]) -> Listed:
    park, detail, until = row[-3:]
    return Listed(*(*row[:-3], Park(reason=ParkReason(park), detail=detail, until=until) if park else None))
