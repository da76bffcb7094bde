"""The page of history: what happened to a task and why; lines are added and never changed."""

from __future__ import annotations

import sqlite3

from koubou.board.sql import statements
from koubou.model.instant import Instant

SQL = statements("history")


class History:
    """Read by `koubou show` and `explain`; the journal tells the same events as they happen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def add(self, task: int | None, event: str, reason: str, now: Instant, actor: str = "koubou") -> None:
        """Add a line; task None = about the workshop."""
        self._execute(SQL["add"], {"task": task, "at": now, "event": event, "reason": reason, "actor": actor})

    def of_task(self, task: int) -> list[tuple[Instant, str, str, str]]:
        """(at, event, reason, actor), oldest first."""
        return [tuple(row) for row in self._execute(SQL["of_task"], {"task": task}).fetchall()]
