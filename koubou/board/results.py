"""What became of tasks, many at a time: for who takes all answers out at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from koubou.board.connection import readable
from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.money import Nano
from koubou.model.status import Status

SQL = statements("results")


class Result(Struct, frozen=True, kw_only=True):
    """A task as it stands, without its texts. `seq` is its place in the order of arrival."""

    seq: int
    id: str
    status: Status
    type: str
    tier: str | None
    session: str | None
    cost: Nano
    tokens: int
    error: Mapping[str, Any] | None
    finished_at: Instant | None
    text_removed_at: Instant | None
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Results:
    """Questions about many tasks. `conditions` and their values are those of a Filter."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def page(self, conditions: str, values: Mapping[str, Any], after: int, limit: int) -> list[Result]:
        """The next so many that are meant, in the order of arrival."""
        return self._all("page", conditions, {**values, "after": after, "limit": limit})

    def of(self, ids: Sequence[str]) -> dict[str, Result]:
        """Those of these tasks that are on the board, by their ids in lower case."""
        return {each.id.lower(): each for each in self._all("of_ids", "", {"ids": json.dumps(list(ids))})}

    def metadata_keys(self, conditions: str, values: Mapping[str, Any], limit: int) -> list[str]:
        """The keys of their metadata, so many at most."""
        statement = SQL["metadata_keys"].replace("{conditions}", conditions)
        with readable():
            return [row["key"] for row in self._execute(statement, {**values, "limit": limit})]

    def _all(self, name: str, conditions: str, values: Mapping[str, Any]) -> list[Result]:
        with readable():
            rows = self._execute(SQL[name].replace("{conditions}", conditions), values).fetchall()
        return [_result(row) for row in rows]


def _result(row: sqlite3.Row) -> Result:
    values = {name: row[name] for name in Result.__struct_fields__}
    values["status"] = Status(row["status"])
    values["error"] = json.loads(row["error"]) if row["error"] else None
    values["metadata"] = json.loads(row["metadata"]) if row["metadata"] else {}
    return Result(**values)
