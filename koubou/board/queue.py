"""The page of the queue: whose turn it is for places and locks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

from koubou.board.sql import statements
from koubou.model.decision import InTheWay
from koubou.model.instant import Instant, Milliseconds
from koubou.model.task import Task
from koubou.rules.fairness import Candidate, Session, Wish

SQL = statements("queue")


class LockWanted(NamedTuple):
    """A lock that a task wants: who has it, and who is just before in its line."""

    name: str
    holder: str | None
    before: str | None


class Queue:
    """Read from rows and indexes alone, so that no count can go astray."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def waiting_owners(self, tier: str, most: int) -> list[int]:
        """Whose tasks wait for a place in a tier; so many of them at most."""
        return [row[0] for row in self._execute(SQL["waiting_owners"], {"tier": tier, "most": most})]

    def waiting_sessions(self, tier: str, most: int) -> list[Session]:
        """Of which sessions; so many of them at most."""
        rows = self._execute(SQL["waiting_sessions"], {"tier": tier, "most": most})
        return [(row[0], row[1]) for row in rows]

    def taken(self, tier: str) -> list[tuple[int, str | None, int]]:
        """(owner, session, places) of who is at work in a tier."""
        return [tuple(row) for row in self._execute(SQL["taken"], {"tier": tier})]

    def ripest(self, tier: str, wish: Wish) -> list[Candidate]:
        """Those who are wished for, in dispatch order."""
        values = {"tier": tier, "most": wish.most, "not_sessions": json.dumps(list(wish.not_sessions))}
        if wish.session is not None:
            statement, values = "ripest_of_session", values | {"owner": wish.session[0], "session": wish.session[1]}
        elif wish.owner is not None:
            statement, values = "ripest_of_owner", values | {"owner": wish.owner}
        else:
            statement, values = "ripest", values | {"not_owners": json.dumps(list(wish.not_owners))}
        return [
            Candidate(seq=seq, ripe_at=ripe_at, owner=owner, session=session)
            for seq, ripe_at, owner, session in self._execute(SQL[statement], values).fetchall()
        ]

    def in_the_way(self, task: Task, tiers: Collection[str]) -> InTheWay | None:
        """What keeps a task from its locks: it takes all or none, after who is riper and may start in these tiers."""
        row = self._execute(SQL["lock_held"], {"task": task.seq}).fetchone()
        if row is not None:
            return InTheWay(lock=row[0], task=row[1], held=True)
        values = {"task": task.seq, "ripe_at": task.ripe_at, "tiers": json.dumps(list(tiers))}
        row = self._execute(SQL["lock_wanted"], values).fetchone()
        return None if row is None else InTheWay(lock=row[0], task=row[1], held=False)

    def line_up(self, task: Task) -> None:
        """A task waits for its locks; it leaves the line by itself when it does anything else."""
        self._execute(SQL["line_up"], {"task": task.seq, "ripe_at": task.ripe_at})

    def first_in_line(self, tiers: Collection[str]) -> list[int]:
        """Who is parked first in the line for a lock, of those that may start in these tiers."""
        return [row[0] for row in self._execute(SQL["first_in_line"], {"tiers": json.dumps(list(tiers))}).fetchall()]

    def ahead(self, task: Task) -> int:
        """How many tasks of the same tier come first."""
        values = {"tier": task.tier, "ripe_at": task.ripe_at, "seq": task.seq}
        return int(self._execute(SQL["ahead"], values).fetchone()[0])

    def durations(self, tier: str, most: int) -> list[Milliseconds]:
        """How long the last answers of a tier took."""
        return [row[0] for row in self._execute(SQL["durations"], {"tier": tier, "most": most})]

    def of_locks(self, task: Task, most: int) -> Sequence[LockWanted]:
        """The locks that a task wants, with who has them."""
        values = {"task": task.seq, "ripe_at": task.ripe_at, "most": most}
        return [LockWanted(*row) for row in self._execute(SQL["of_locks"], values).fetchall()]

    def urged_by(self, task: Task) -> tuple[str, Instant] | None:
        """(id, ripe_at) of the most urgent task that waits for this one."""
        row = self._execute(SQL["urged_by"], {"id": task.id, "owner": task.owner}).fetchone()
        return tuple(row) if row else None
