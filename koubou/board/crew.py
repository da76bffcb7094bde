"""The page of workers, and the latches that stop the workshop until a person says otherwise."""

from __future__ import annotations

import sqlite3

from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.model.worker import WorkerIdentity

SQL = statements("crew")


class Crew:
    """Rows of workers that have ended stay for a day."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def hired(self, worker: WorkerIdentity, tier: Tier, now: Instant) -> None:
        """Note a worker that was started."""
        values = {
            "id": worker.id,
            "tier": tier.name,
            "model": tier.model,
            "endpoint": tier.base_url,
            "executor": tier.executor,
            "pid": worker.pid,
            "born": worker.born,
            "boot": worker.boot,
            "now": now,
        }
        self._execute(SQL["hired"], values)

    def seen(self, worker: str, status: str, now: Instant) -> None:
        """Note a worker's last beat; status is idle, busy or rate_limited."""
        self._execute(SQL["seen"], {"id": worker, "status": status, "now": now})

    def gone(self, worker: str, status: str, reason: str, now: Instant) -> None:
        """Note that a worker has ended: status is offline, or error."""
        self._execute(SQL["gone"], {"id": worker, "status": status, "reason": reason, "now": now})

    def alive(self) -> list[WorkerIdentity]:
        """Workers that have not been seen to end."""
        rows = self._execute(SQL["alive"]).fetchall()
        names = ("id", "tier", "pid", "born", "boot")
        return [WorkerIdentity(**{name: row[name] for name in names}) for row in rows]

    def forget(self, before: Instant) -> None:
        """Take away the rows of workers that ended before."""
        self._execute(SQL["forget"], {"before": before})

    def latch(self, name: str, reason: str, now: Instant) -> bool:
        """Stop the workshop (`emergency`) or a part (`model:<name>`) until it is unlatched; False when it was."""
        return self._execute(SQL["latch"], {"name": name, "reason": reason, "now": now}).rowcount == 1

    def unlatch(self, name: str) -> bool:
        """Let it go on; False when nothing was latched."""
        return self._execute(SQL["unlatch"], {"name": name}).rowcount == 1

    def latches(self) -> dict[str, str]:
        """What is latched, with the reason."""
        return {row["name"]: row["reason"] for row in self._execute(SQL["latches"]).fetchall()}
