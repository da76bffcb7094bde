"""The page of notices: what is owed to the guardian, and the numbers that a notice carries."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.notice import Channel, Notice, Watched, incident_of
from koubou.rules.session import TIMEOUT

SQL = statements("notices")


class Notices:
    """A notice is owed with the latch it is about, in one transaction, and stays owed until it is told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def owe(self, key: str, channel: Channel, marker: str, kind: str, facts: Mapping[str, Any], now: Instant) -> bool:
        """Owe a notice about `key`, which fell now; False when it was owed already."""
        values = {
            "incident": incident_of(key, now),
            "channel": channel,
            "marker": marker,
            "kind": kind,
            "facts": json.dumps(facts, ensure_ascii=False, default=str),
            "now": now,
        }
        return self._execute(SQL["owe"], values).rowcount == 1

    def due(self, channel: Channel, now: Instant) -> Notice | None:
        """The oldest notice whose time has come."""
        row = self._execute(SQL["due"], {"channel": channel, "now": now}).fetchone()
        if row is None:
            return None
        return Notice(
            incident=row["incident"],
            channel=Channel(row["channel"]),
            marker=row["marker"],
            kind=row["kind"],
            facts=json.loads(row["facts"]),
            at=row["at"],
            tries=row["tries"],
            begun_at=row["begun_at"],
        )

    def begun(self, incident: str, channel: Channel, now: Instant, until: Instant) -> None:
        """An attempt begins: it may arrive from now on; not to be tried again before `until`."""
        self._execute(SQL["begun"], {"incident": incident, "channel": channel, "now": now, "until": until})

    def told(self, incident: str, channel: Channel, now: Instant, issue: int | None = None) -> bool:
        """It has arrived, as the issue of this number where it is one; False when that was known."""
        values = {"incident": incident, "channel": channel, "now": now, "issue": issue}
        return self._execute(SQL["told"], values).rowcount == 1

    def watched(self) -> list[Watched]:
        """The issues of sessions that are over still, the oldest first."""
        return [Watched(**dict(row)) for row in self._execute(SQL["watched"], {"kind": TIMEOUT}).fetchall()]

    def closed(self, incident: str, now: Instant) -> bool:
        """A person has closed its issue; False when that was known."""
        return self._execute(SQL["closed"], {"incident": incident, "now": now}).rowcount == 1

    def failed(self, incident: str, channel: Channel, trouble: str, until: Instant) -> bool:
        """It has not, as far as anybody knows; False when it has arrived by another attempt."""
        values = {"incident": incident, "channel": channel, "trouble": trouble, "until": until}
        return self._execute(SQL["failed"], values).rowcount == 1

    def hurry(self, now: Instant) -> None:
        """New settings: what failed for the old ones is tried now."""
        self._execute(SQL["hurry"], {"now": now})

    def owed(self) -> dict[str, int]:
        """How many notices are owed, by channel."""
        return {row["channel"]: row["n"] for row in self._execute(SQL["owed"]).fetchall()}

    def standing(self, month: str, since: Instant, limit: int) -> dict[str, Any]:
        """How the workshop stands, in numbers; `since` is no later than the month's beginning."""
        tasks, workers = (
            {row["status"]: row["n"] for row in self._execute(SQL[name]).fetchall()} for name in ("tasks", "workers")
        )
        spent = self._execute(SQL["spent"], {"month": month, "since": since, "limit": limit}).fetchall()
        return {
            "tasks": tasks,
            "at_work": self._execute(SQL["at_work"]).fetchone()["n"],
            "waiting": tasks.get("pending", 0) + tasks.get("routing", 0),
            "workers": workers,
            "spent": [dict(row) for row in spent],
        }
