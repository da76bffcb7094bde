"""The page of experience: how tasks of each type did in each tier, and what people said of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from koubou.board.sql import statements
from koubou.model.experience import Experience

SQL = statements("experience")
FULL = 200
"""From so many counts on, a row is halved before it grows."""
_NAMES = tuple(Experience.__struct_fields__)


class Experiences:
    """One row by type and tier; every method is one statement."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def of_type(self, task_type: str) -> Mapping[str, Experience]:
        """What is known of a type, by tier."""
        rows = self._execute(SQL["of_type"], {"type": task_type}).fetchall()
        return {row["tier"]: Experience(**{name: row[name] for name in _NAMES}) for row in rows}

    def answered(self, task_type: str, tier: str) -> None:
        """A task was completed there."""
        self._count(task_type, tier, answered=1)

    def retried(self, task_type: str, tier: str) -> None:
        """A run had to be made again."""
        self._count(task_type, tier, retried=1)

    def poor(self, task_type: str, tier: str) -> None:
        """A task had to go up from there, or failed."""
        self._count(task_type, tier, poor=1)

    def rated(self, task_type: str, tier: str, good: bool, before: str | None) -> None:
        """A person says that an answer is good, or bad; `before` is what was said until now, and counts no more."""
        if before == ("good" if good else "bad"):
            return
        values = {"good": 1 if good else -(before == "good"), "bad": -(before == "bad") if good else 1}
        self._execute(SQL["rated"], {"type": task_type, "tier": tier, **values})

    def _count(self, task_type: str, tier: str, answered: int = 0, retried: int = 0, poor: int = 0) -> None:
        values = {"type": task_type, "tier": tier, "answered": answered, "retried": retried, "poor": poor, "full": FULL}
        self._execute(SQL["counted"], values)
