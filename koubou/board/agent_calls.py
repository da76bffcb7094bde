"""The page of calls that agents make by themselves, while they are under way; and what their runs have told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from msgspec import convert, to_builtins

from koubou.board.sql import statements
from koubou.model.agent import Deeds
from koubou.model.decision import Breach
from koubou.model.instant import Instant

SQL = statements("agent_calls")


class AgentCalls:
    """Which run a call belongs to that was held for at the gate."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def begun(self, call: str, task: int, run: int, tier: str, now: Instant) -> None:
        """A call was let through."""
        values = {"call": call, "task": task, "run": run, "tier": tier, "now": now}
        self._execute(SQL["begun"], values)
        self._execute(SQL["counted"], {"task": task, "run": run})

    def ended(self, call: str) -> None:
        """It was settled or released."""
        self._execute(SQL["ended"], {"call": call})

    def of_run(self, task: int, run: int) -> list[str]:
        """The calls of a run that are under way."""
        return [row[0] for row in self._execute(SQL["of_run"], {"task": task, "run": run})]

    def under_way(self, tiers: Collection[str], since: Instant) -> bool:
        """Whether one of these tiers has a call under way that was begun since."""
        return bool(self._execute(SQL["of_tiers"], {"tiers": json.dumps(list(tiers)), "since": since}).fetchone()[0])

    def breached(self, task: int, run: int, breach: Breach) -> None:
        """A call of a run found no money: where, and how much it needs."""
        values = {"task": task, "run": run, "breach": json.dumps(to_builtins(breach))}
        self._execute(SQL["breached"], values)

    def breach_of(self, task: int, run: int) -> Breach | None:
        """What could not bear the last call of a run; None where it was let through."""
        row = self._execute(SQL["breach_of"], {"task": task, "run": run}).fetchone()
        return None if row is None or row[0] is None else convert(json.loads(row[0]), Breach)

    def noted(self, task: int, run: int, session: str | None, deeds: Deeds) -> None:
        """What an agent's events tell so far."""
        values = {"edits": deeds.edits, "commands": deeds.commands, "dangerous": deeds.dangerous}
        self._execute(SQL["noted"], {"task": task, "run": run, "session": session, **values})
