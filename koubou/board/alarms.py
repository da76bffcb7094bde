"""The page of alarms: who was refused how often, and what each submitter spends in a day."""

from __future__ import annotations

import sqlite3

from msgspec.structs import asdict

from koubou.board.sql import statements
from koubou.model.instant import DAY, Instant
from koubou.model.money import Nano
from koubou.rules.alarms import DAYS_BACK, Refusals

SQL = statements("alarms")


class Alarms:
    """Both parts are bounded: in callers, and in days."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def refusals(self, caller: str) -> Refusals | None:
        """How often somebody was refused of late."""
        row = self._execute(SQL["refusals"], {"caller": caller}).fetchone()
        return None if row is None else Refusals(**dict(row))

    def note_refusals(self, caller: str, refusals: Refusals) -> None:
        """Keep it."""
        self._execute(SQL["set_refusals"], asdict(refusals) | {"caller": caller})

    def refused_callers(self) -> int:
        """Of how many it is kept."""
        return int(self._execute(SQL["refused_callers"]).fetchone()[0])

    def forget_refusals(self, before: Instant) -> None:
        """Of whoever was not refused since then."""
        self._execute(SQL["forget_refusals"], {"before": before})

    def sum_up(self, now: Instant) -> None:
        """Take what was settled since the last time into the sums of the days."""
        line = self._execute(SQL["newest_line"]).fetchone()[0]
        self._execute(SQL["sum_up"], {"line": line})
        self._execute(SQL["summed_up"], {"line": line})
        self._execute(SQL["forget_days"], {"day": now // DAY - DAYS_BACK})

    def spenders(self, more_than: Nano, now: Instant) -> list[tuple[int, Nano, Instant | None]]:
        """(submitter, what he spent today, when the guardian heard of him last) of who spent more than so much."""
        rows = self._execute(SQL["spenders"], {"day": now // DAY, "little": more_than})
        return [tuple(row) for row in rows.fetchall()]

    def days_of(self, submitter: int, now: Instant) -> list[Nano]:
        """What he spent on each of the last days on which he spent anything, without today."""
        values = {"submitter": submitter, "since": now // DAY - DAYS_BACK, "day": now // DAY}
        return [row[0] for row in self._execute(SQL["days_of"], values).fetchall()]

    def told(self, submitter: int, now: Instant) -> None:
        """The guardian hears of him now."""
        self._execute(SQL["told"], {"submitter": submitter, "now": now})
