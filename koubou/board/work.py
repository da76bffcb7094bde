"""What was done: how tasks ended within a time, how long they waited and took, and what they failed of."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from msgspec import Struct

from koubou.board.connection import readable
from koubou.board.sql import statements
from koubou.model.instant import Instant, Milliseconds
from koubou.rules.percentiles import percentile

SQL = statements("work")
_KEYS: Mapping[str, str] = MappingProxyType(
    {"type": "type", "tier": "tier", "session": "session", "submitter": "owner"}
)
BY = tuple(_KEYS)
"""What a report can be by."""


class Work(Struct, frozen=True, kw_only=True):
    """How the tasks of one key ended, and half and 95 of 100 of their times; None where no task has such a time."""

    key: str | int | None
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    wait_p50: Milliseconds | None = None
    wait_p95: Milliseconds | None = None
    run_p50: Milliseconds | None = None
    run_p95: Milliseconds | None = None

    @property
    def tasks(self) -> int:
        """All of them."""
        return self.completed + self.failed + self.cancelled

    @property
    def success_rate(self) -> float | None:
        """The share of completed ones among those that nobody cancelled; None where there are none."""
        tried = self.completed + self.failed
        return self.completed / tried if tried else None


class Failures(Struct, frozen=True, kw_only=True):
    """How many tasks failed of one thing."""

    kind: str
    code: str
    tasks: int


class WorkDone:
    """Questions about tasks that ended; ask them within `Reading.picture`. They know those that are still kept."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def by(self, what: str, since: Instant, until: Instant) -> tuple[Work, list[Work]]:
        """All tasks of a window together, and by one of BY, those with most tasks first."""
        counts: defaultdict[tuple[str | int | None, str], int] = defaultdict(int)
        waits: defaultdict[str | int | None, list[int]] = defaultdict(list)
        runs: defaultdict[str | int | None, list[int]] = defaultdict(list)
        with readable():
            rows = self._execute(SQL["ended"].replace("{key}", _KEYS[what]), {"since": since, "until": until})
            for key, status, waited, took in rows:
                counts[key, status] += 1
                if waited is not None:
                    waits[key].append(waited)
                    runs[key].append(max(0, took))
        keys = dict.fromkeys(key for key, _ in counts)
        found = [_work(key, partial(_count, counts, key), waits[key], runs[key]) for key in keys]
        whole = _work(
            None,
            lambda status: sum(count for (_, each), count in counts.items() if each == status),
            [wait for some in waits.values() for wait in some],
            [run for some in runs.values() for run in some],
        )
        return whole, sorted(found, key=lambda work: (-work.tasks, str(work.key)))

    def failures(self, since: Instant, until: Instant, limit: int) -> list[Failures]:
        """What tasks of a window failed of, the most frequent first."""
        with readable():
            rows = self._execute(SQL["failures"], {"since": since, "until": until, "limit": limit}).fetchall()
        return [Failures(kind=row["class"] or "unknown", code=row["code"], tasks=row["tasks"]) for row in rows]


def _count(counts: Mapping[tuple[str | int | None, str], int], key: str | int | None, status: str) -> int:
    return counts.get((key, status), 0)


def _work(key: str | int | None, count: Callable[[str], int], waits: list[int], runs: list[int]) -> Work:
    waits.sort()
    runs.sort()
    return Work(
        key=key,
        completed=count("completed"),
        failed=count("failed"),
        cancelled=count("cancelled"),
        wait_p50=percentile(waits, 50),
        wait_p95=percentile(waits, 95),
        run_p50=percentile(runs, 50),
        run_p95=percentile(runs, 95),
    )
