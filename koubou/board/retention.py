"""The page of tasks, as far as it is about forgetting: what has been kept long enough, what is owed, what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec.structs import asdict

from koubou.board.sql import statements
from koubou.model.access import WORKSHOP
from koubou.model.instant import Instant
from koubou.model.retention import Cutoffs, Owed, Removal
from koubou.model.task import Task

_SLIM = "t.seq, t.id"
_FREE = """NOT EXISTS (SELECT 1 FROM dependency d JOIN task n ON n.seq = d.task
                  WHERE d.needs = t.id AND n.filed_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM run r WHERE r.task = t.seq AND r.ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM ledger h WHERE h.task = t.id AND h.kind = 'hold'
                  AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = h.call AND e.kind IN ('settle', 'release')))"""
"""Nobody who has not ended needs it, and no money of it is held."""

SQL = statements("retention", SLIM=_SLIM, FREE=_FREE)
_TEXTS = ("due_confidential", "due_completed", "due_failed", "due_cancelled")


class Kept:
    """A removal is owed on the board before the first file goes, and written when the last has gone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def due_texts(self, before: Cutoffs, limit: int) -> list[tuple[int, str]]:
        """(seq, id) of tasks whose text and answer have been kept long enough, confidential ones first."""
        found: dict[int, str] = {}
        for name in _TEXTS:
            if len(found) < limit:
                rows = self._execute(SQL[name], {**asdict(before), "limit": limit}).fetchall()
                found.update((row[0], row[1]) for row in rows)
        return list(found.items())[:limit]

    def due_runs(self, before: Cutoffs, limit: int) -> list[tuple[int, str]]:
        """(seq, id) of tasks that stay, but for the records of their calls."""
        rows = self._execute(SQL["due_runs"], {**asdict(before), "limit": limit})
        return [(row[0], row[1]) for row in rows.fetchall()]

    def due_ids(self, before: Cutoffs, limit: int) -> list[tuple[int, str]]:
        """(seq, id) of tasks of which the bare id has been kept long enough."""
        rows = self._execute(SQL["due_ids"], {**asdict(before), "limit": limit})
        return [(row[0], row[1]) for row in rows.fetchall()]

    def needed_by(self, task: Task) -> str | None:
        """A task that has not ended and needs this one."""
        row = self._execute(SQL["needed_by"], {"id": task.id}).fetchone()
        return row[0] if row else None

    def is_held(self, task: Task) -> bool:
        """Whether a call of a task is yet to be settled."""
        return bool(self._execute(SQL["is_held"], {"seq": task.seq, "id": task.id}).fetchone()[0])

    def owe(self, seq: int, what: Removal, actor: str, now: Instant, source: str = WORKSHOP.source) -> bool:
        """From now on its files are to be removed, and it is not tried again; False where nothing is left to remove."""
        values = {"seq": seq, "what": what, "actor": actor, "source": source, "now": now}
        return self._execute(SQL["owe"], values).rowcount == 1

    def owed(self, limit: int) -> Sequence[Owed]:
        """Removals that were decided, the first first."""
        rows = self._execute(SQL["owed"], {"limit": limit}).fetchall()
        return [Owed(task=row["seq"], task_id=row["id"], what=Removal(row["removal"])) for row in rows]

    def owed_count(self) -> int:
        """How many removals are owed."""
        return int(self._execute(SQL["owed_count"]).fetchone()[0])

    def owed_of(self, seq: int) -> tuple[Removal, str, str] | None:
        """What is owed to be removed of a task, who wanted it, and from where; None when nothing is."""
        row = self._execute(SQL["owed_of"], {"seq": seq}).fetchone()
        return (Removal(row[0]), row[1], row[2] or "") if row and row[0] else None

    def gone_of(self, seq: int) -> tuple[Instant | None, Instant | None]:
        """(since when its text is gone, since when it is purged)."""
        row = self._execute(SQL["removed_of"], {"seq": seq}).fetchone()
        return (row["text_removed_at"], row["purged_at"]) if row else (None, None)

    def runs_removed(self, seq: int, now: Instant) -> bool:
        """The records of its calls have gone; False when that was known."""
        return self._execute(SQL["runs_removed"], {"seq": seq, "now": now}).rowcount == 1

    def text_removed(self, seq: int, what: Removal, now: Instant) -> bool:
        """Its folder has gone: now its text goes from the board too, and of a purge all but the bare id."""
        values = {"seq": seq}
        if self._execute(SQL["text_removed"], values | {"now": now}).rowcount != 1:
            return False
        names = ["remove_request"]
        if what is Removal.PURGE:
            names += ["remove_history", "remove_runs", "remove_needs", "remove_locks", "make_bare"]
        for name in names:
            self._execute(SQL[name], values)
        return True

    def forget(self, seq: int, task_id: str, now: Instant) -> None:
        """The bare id goes, with its accounts and the rest of its history. The ledger gets a line, and loses none."""
        self._execute(SQL["close_accounts"], {"id": task_id, "seq": seq, "now": now})
        self._execute(SQL["remove_accounts"], {"id": task_id})
        self._execute(SQL["remove_task"], {"seq": seq})

    def forget_notices(self, before: Cutoffs) -> None:
        """What the guardian was told so long ago goes too."""
        self._execute(SQL["remove_notices"], asdict(before))
