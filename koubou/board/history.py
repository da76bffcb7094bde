"""The page of history: what happened to a task and why; lines are added and never changed, each proven by the next."""

from __future__ import annotations

import sqlite3

from koubou.board.sql import statements
from koubou.model.access import WORKSHOP, Caller
from koubou.model.instant import Instant
from koubou.rules.chain import REMOVED, line_hash

SQL = statements("history")


def chained(connection: sqlite3.Connection) -> None:
    """Give a connection what the step that begins the chain needs for the hash of its line."""
    connection.create_function("history_hash", 8, line_hash, deterministic=True)


class History:
    """Read by `koubou show`, `explain` and `audit`; the journal tells the same events as they happen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._head: tuple[int, bytes] | None = None

    def add(self, task: int | None, event: str, reason: str, now: Instant, by: Caller = WORKSHOP) -> None:
        """Add a line; task None = about the workshop."""
        last, before = self._head or self._execute(SQL["head"]).fetchone()
        number = last + 1
        made = line_hash(before, number, task, now, event, reason, by.actor, by.source)
        values = {"id": number, "task": task, "at": now, "event": event, "reason": reason, "actor": by.actor}
        self._execute(SQL["add"], values | {"source": by.source, "hash": made})
        self._head = (number, made)

    def look_again(self) -> None:
        """Something was undone, or may have been: the line that we know as the last may be none."""
        self._head = None

    def of_task(self, task: int) -> list[tuple[Instant, str, str, str]]:
        """(at, event, reason, actor), oldest first."""
        return [tuple(row) for row in self._execute(SQL["of_task"], {"task": task}).fetchall()]

    def removed(self) -> int:
        """How many lines have gone with their tasks so far."""
        return int(self._execute(SQL["removed"]).fetchone()[0])

    def account_for_removed(self, before: int, now: Instant) -> None:
        """Say how many lines have gone so far, where there were `before`: in the transaction in which they went."""
        if (gone := self.removed()) != before:
            self.add(None, REMOVED, f"{gone} lines so far have gone with their tasks", now)
