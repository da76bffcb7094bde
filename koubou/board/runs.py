"""The page of runs: who works on what, and which places are taken."""

from __future__ import annotations

import sqlite3

from koubou.board.sql import statements
from koubou.model.instant import Instant
from koubou.model.phase import Phase
from koubou.model.run import Run

SQL = statements("runs")
_FIELDS = tuple(Run.__struct_fields__)


class Runs:
    """Places are counted from the open runs, never stored."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def insert(self, run: Run) -> None:
        """Note a run that was admitted; it has its place from now on."""
        values = {name: getattr(run, name) for name in _FIELDS} | {"now": run.admitted_at}
        self._execute(SQL["insert"], values)

    def get(self, task: int, number: int) -> Run | None:
        """One run of a task."""
        row = self._execute(SQL["get"], {"task": task, "number": number}).fetchone()
        return _run(row) if row else None

    def of_task(self, task: int) -> list[Run]:
        """All runs of a task, first to last."""
        return [_run(row) for row in self._execute(SQL["of_task"], {"task": task})]

    def sent(self, task: int, number: int, now: Instant) -> None:
        """Its worker was told."""
        self._execute(SQL["sent"], {"task": task, "number": number, "now": now})

    def started(self, task: int, number: int, now: Instant) -> bool:
        """Its call is under way; False when that was known, or when the run is over."""
        return self._execute(SQL["started"], {"task": task, "number": number, "now": now}).rowcount == 1

    def ended(
        self, task: int, number: int, outcome: str, now: Instant, answer_bytes: int = 0, *, examined: bool = False
    ) -> bool:
        """It is over and its place is free; False when that was known. `answer_bytes` came of its answer."""
        values = {"task": task, "number": number, "outcome": outcome, "now": now, "answer_bytes": answer_bytes}
        values["examined"] = examined
        return self._execute(SQL["ended"], values).rowcount == 1

    def richest(self, task: int) -> tuple[int, int] | None:
        """(run number, bytes) of the ended run of which the most came; None when nothing came of any."""
        row = self._execute(SQL["richest"], {"task": task}).fetchone()
        return tuple(row) if row else None

    def open_of_worker(self, worker: str) -> list[tuple[str, Run]]:
        """(task id, run) of what a worker has under way."""
        rows = self._execute(SQL["open_of_worker"], {"worker": worker}).fetchall()
        return [(row["task_id"], _run(row)) for row in rows]

    def open(self) -> list[tuple[str, Run]]:
        """(task id, run) of all that is under way."""
        return [(row["task_id"], _run(row)) for row in self._execute(SQL["open"]).fetchall()]

    def open_count(self) -> dict[str, int]:
        """Places taken, by worker."""
        return dict(self._execute(SQL["open_count"]).fetchall())

    def apart(self) -> set[str]:
        """Workers that one suspect has for itself alone."""
        return {row[0] for row in self._execute(SQL["apart"]).fetchall()}

    def owed(self) -> list[tuple[int, int, str, str]]:
        """(task seq, run number, worker, task id) of runs that no worker was told of."""
        return [tuple(row) for row in self._execute(SQL["owed"]).fetchall()]


def _run(row: sqlite3.Row) -> Run:
    return Run(
        **{name: row[name] for name in _FIELDS} | {"purpose": Phase(row["purpose"]), "examined": bool(row["examined"])}
    )
