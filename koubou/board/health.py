"""A quick look at the board for `koubou doctor`: are its pages whole, and what does it owe to the world?"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from koubou.board.connection import open_for_reading, readable
from koubou.board.sql import statements
from koubou.model.instant import Instant

SQL = statements("health")
_STEPS_BETWEEN_LOOKS = 10_000


class Health:
    """A connection that only reads. Every method raises BoardUnavailable where the board cannot be read now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def first_damage(self, seconds: float) -> str | None:
        """The first thing wrong with its pages; "" where nothing is, None where the time did not suffice to know."""
        deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        try:
            found = str(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                return None
            return str(error)
        except sqlite3.DatabaseError as error:
            return str(error)
        finally:
            self._connection.set_progress_handler(None, 0)
        return "" if found == "ok" else found

    def version(self) -> int:
        """Of its pages."""
        with readable():
            return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def runs(self, now: Instant) -> tuple[int, int]:
        """How many runs are open, and how many of them beyond their time."""
        row = self._row("open_runs", now=now)
        return int(row[0]), int(row[1])

    def filings(self) -> tuple[int, Instant | None]:
        """How many ended tasks have not been filed, and since when the first of them."""
        row = self._row("owed_filings")
        return int(row[0]), row[1]

    def notices(self) -> tuple[int, Instant | None]:
        """How many notices have not been told, and of when the first is."""
        row = self._row("owed_notices")
        return int(row[0]), row[1]

    def latches(self) -> Mapping[str, str]:
        """What is stopped until a person says otherwise, with the reason."""
        with readable():
            return dict(self._connection.execute(SQL["latches"]).fetchall())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _row(self, statement: str, /, **values: object) -> sqlite3.Row:
        with readable():
            row: sqlite3.Row = self._connection.execute(SQL[statement], values).fetchone()
            return row


def open_health(path: Path, *, served: bool) -> Health:
    """The board at a path; `served` = somebody holds the workshop's lock. Raises BoardUnavailable, PermissionError."""
    return Health(open_for_reading(path, served=served))
