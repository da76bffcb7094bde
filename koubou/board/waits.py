"""Why tasks do not go on, as the board has it: what is stopped, by whom, and what each of them waits for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct

from koubou.board.circuits import Circuits
from koubou.board.connection import readable
from koubou.board.sql import statements
from koubou.model.circuit import Circuit
from koubou.model.instant import Instant
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.rules.latches import stops_tier

SQL = statements("waits")


class Stop(Struct, frozen=True, kw_only=True):
    """A latch that has fallen; `by` is the person who wanted it, None where the workshop stopped itself."""

    latch: str
    reason: str
    at: Instant
    by: str | None


class Wait(Struct, frozen=True, kw_only=True):
    """Where a task stands; `stop` is the latch that keeps it from its place, whatever else it waits for."""

    id: str
    status: Status
    waiting: Waiting | None
    tier: str | None
    park: Park | None
    stop: str | None


class Waits:
    """Questions that are asked again and again while somebody waits; every method raises BoardUnavailable."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._circuits = Circuits(connection)

    def stops(self) -> list[Stop]:
        """All that is stopped until a person says otherwise."""
        with readable():
            return [Stop(**dict(row)) for row in self._execute(SQL["stops"])]

    def circuits(self) -> Sequence[Circuit]:
        """How providers and keys have served lately that had a fault."""
        with readable():
            return list(self._circuits.all().values())

    def of(self, ids: Sequence[str]) -> Mapping[str, Wait]:
        """Where those of these tasks stand that are on the board, by their ids in lower case."""
        with readable():
            latches = [row["name"] for row in self._execute(SQL["latches"])]
            rows = self._execute(SQL["waits"], {"ids": json.dumps(list(ids))}).fetchall()
        return {row["id"].lower(): _wait(row, latches) for row in rows}


def _wait(row: sqlite3.Row, latches: Sequence[str]) -> Wait:
    waiting = Waiting(row["waiting"]) if row["waiting"] else None
    may_start = waiting not in (None, Waiting.RUN, Waiting.FILE)
    return Wait(
        id=row["id"],
        status=Status(row["status"]),
        waiting=waiting,
        tier=row["tier"],
        park=Park(reason=ParkReason(row["park"]), detail=row["park_detail"], until=row["park_until"])
        if row["park"]
        else None,
        stop=next((latch for latch in latches if may_start and stops_tier(latch, row["tier"])), None),
    )
