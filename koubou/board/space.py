"""Giving the disk back what the board no longer needs, a little at a time."""

from __future__ import annotations

import sqlite3

_PAGES_AT_ONCE = 256
"""One megabyte: a few milliseconds."""
_PAGES_KEPT = 1_024
"""Free pages that stay for what comes next; below this the file is not made smaller."""


def give_back(connection: sqlite3.Connection) -> int:
    """Make the file smaller by a portion of its free pages; how many are left to give. Raises sqlite's own."""
    free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    if free <= _PAGES_KEPT:
        return 0
    connection.execute(f"PRAGMA incremental_vacuum({min(_PAGES_AT_ONCE, free - _PAGES_KEPT)})").fetchall()
    return max(0, free - _PAGES_KEPT - _PAGES_AT_ONCE)


def wipe_log(connection: sqlite3.Connection) -> bool:
    """Fold the write-ahead log into the board and cut it, so that nothing removed is left in it; False while one reads.

    Waits for nobody.
    """
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
