"""The page of notifications: what programs are owed word of, and which sessions were told to be done."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.money import Nano
from koubou.model.notification import Notification

SQL = statements("notifications")


class Notifications:
    """Owed in the transaction in which a task ends, and so until it has arrived or is given up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def asked(self, task: int) -> list[str]:
        """The targets that a task's file names."""
        return [row[0] for row in self._execute(SQL["asked"], {"task": task})]

    def owe(self, marker: str, target: str, body: str, now: Instant) -> None:
        """Owe word to a target."""
        self._execute(SQL["owe"], {"marker": marker, "target": target, "body": body, "now": now})

    def is_done(self, session: str) -> bool:
        """Whether all tasks of a session have ended."""
        return not self._execute(SQL["open_in_session"], {"session": session}).fetchone()[0]

    def first_told(self, session: str, now: Instant) -> bool:
        """Note that a session is told to be done; False where that was told, and nothing came since."""
        return self._execute(SQL["first_told"], {"session": session, "now": now}).rowcount == 1

    def session(self, session: str) -> tuple[Mapping[str, int], Nano | None]:
        """How its tasks ended, and what they cost; None where one of them is confidential."""
        rows = self._execute(SQL["session"], {"session": session}).fetchall()
        secret = any(row["secret"] for row in rows)
        return {row["status"]: row["tasks"] for row in rows}, None if secret else sum(row["cost"] for row in rows)

    def due(self, target: str, now: Instant, limit: int) -> list[Notification]:
        """The next so many whose time has come."""
        rows = self._execute(SQL["due"], {"target": target, "now": now, "limit": limit})
        return [Notification(**dict(row)) for row in rows]

    def begun(self, number: int, until: Instant) -> None:
        """A try begins: it may arrive from now on; not to be tried again before `until`."""
        self._execute(SQL["begun"], {"id": number, "until": until})

    def told(self, number: int, now: Instant) -> bool:
        """It has arrived; False when that was known."""
        return self._execute(SQL["told"], {"id": number, "now": now}).rowcount == 1

    def failed(self, number: int, trouble: str, until: Instant) -> bool:
        """It has not, as far as anybody knows."""
        return self._execute(SQL["failed"], {"id": number, "trouble": trouble, "until": until}).rowcount == 1

    def give_up(self, before: Instant, now: Instant) -> list[tuple[str, str]]:
        """(marker, target) of those that have been owed since before a time, and are not any more."""
        return [tuple(row) for row in self._execute(SQL["give_up"], {"before": before, "now": now}).fetchall()]

    def forget(self, before: Instant, limit: int) -> None:
        """Remove old ones that are owed no more."""
        self._execute(SQL["forget"], {"before": before, "limit": limit})

    def hurry(self, now: Instant) -> None:
        """New settings: what failed for the old ones is tried now."""
        self._execute(SQL["hurry"], {"now": now})
