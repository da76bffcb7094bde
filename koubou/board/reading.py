"""The board as the command line reads it: short read-only questions, each on a consistent picture."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from koubou.board.audit import Audit
from koubou.board.board import Board
from koubou.board.browsing import Browsing
from koubou.board.connection import back_up, open_for_reading, readable
from koubou.board.counts import Counts
from koubou.board.filter import Filter
from koubou.board.happened import Happened
from koubou.board.queue import Queue
from koubou.board.rehearsal import rehearsal
from koubou.board.reports import Reports
from koubou.board.results import Results
from koubou.board.retention import Kept
from koubou.board.rows import TASK_COLUMNS, account_from_row, task_from_row
from koubou.board.sql import statements
from koubou.board.tokens import Tokens
from koubou.board.waits import Waits
from koubou.board.work import WorkDone
from koubou.errors import UsageMistake
from koubou.model.account import Account
from koubou.model.budget import LimitByHand
from koubou.model.decision import Finding
from koubou.model.instant import Instant
from koubou.model.run import Run
from koubou.model.status import Status
from koubou.model.task import Need, Task

SQL = statements("reading", TASK=TASK_COLUMNS)
ALL = -1
"""As a limit: all of them."""

_READ_ACTIONS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_HARMLESS_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list", "user_version"}
)
_STEPS_BETWEEN_SIGNALS = 100_000


class Seen(Struct, frozen=True, kw_only=True):
    """One worker's row."""

    id: str
    tier: str
    model: str
    pid: int
    status: str
    running: int
    last_beat: Instant
    created_at: Instant
    ended_at: Instant | None
    end_reason: str | None


class Rest(Struct, frozen=True, kw_only=True):
    """What the lean page of a task leaves out; `error` is the one that error.json has."""

    error: Mapping[str, Any] | None
    filed_at: Instant | None
    parent: str | None
    answer_bytes: int
    tokens: int
    estimated_cost: int
    park_account: str | None
    park_dimension: str | None
    park_need: int | None
    park_bearable: int | None
    runs_removed_at: Instant | None
    text_removed_at: Instant | None
    purged_at: Instant | None


class Line(Struct, frozen=True, kw_only=True):
    """One line of a task's history; `id` grows."""

    id: int
    at: Instant
    event: str
    reason: str
    actor: str
    source: str


class Reading:
    """A board that is only read. Every method raises BoardUnavailable where the board cannot be read now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._board = Board(connection)
        self.reports = Reports(connection)
        self.results = Results(connection)
        self.work = WorkDone(connection)
        self.kept: Kept = self._board.kept  # what is kept of tasks after their end, and what is to go
        self.waits = Waits(connection)
        self.tokens = Tokens(connection)
        self.happened = Happened(connection)
        self.audit = Audit(connection)
        self.counts = Counts(connection)
        self.browsing = Browsing(connection)

    @contextmanager
    def picture(self) -> Iterator[Reading]:
        """All that is asked within sees the board as it stood at one moment; keep it short. It may be nested."""
        if self._connection.in_transaction:
            yield self
            return
        with readable():
            self._connection.execute("BEGIN")
            try:
                yield self
            finally:
                self._connection.execute("ROLLBACK")

    def counted(self) -> dict[Status, int]:
        """How many tasks have each status, all seven."""
        found = dict(self._all("counted"))
        return {status: found.get(status, 0) for status in Status}

    def parked(self) -> dict[str, int]:
        """How many tasks are parked, by reason."""
        return dict(self._all("parked"))

    def queued(self) -> dict[str, int]:
        """How many tasks wait for a place, by tier."""
        return dict(self._all("queued"))

    def running(self) -> dict[str, int]:
        """How many places are taken, by tier."""
        return dict(self._all("running"))

    def workers(self) -> list[Seen]:
        """The crew, those at work first; those that ended stay for a day."""
        return [Seen(**{name: row[name] for name in Seen.__struct_fields__}) for row in self._all("workers")]

    def latches(self) -> dict[str, str]:
        """What is stopped until a person says otherwise, with the reason."""
        return {row["name"]: row["reason"] for row in self._all("latches")}

    def accounts(self) -> list[Account]:
        """Every account as it stands, by name."""
        with readable():
            return self._board.ledger.accounts()

    def window_accounts(self) -> list[Account]:
        """The accounts that are not of a single task, by name."""
        with readable():
            return self._board.ledger.window_accounts()

    def account(self, name: str, dimension: str = "usd") -> Account | None:
        """The account of this name in one dimension."""
        rows = self._all("account", name=name, dimension=dimension)
        return account_from_row(rows[0]) if rows else None

    def limits_by_hand(self) -> list[LimitByHand]:
        """What people set in place of the settings, by scope."""
        return [LimitByHand(**dict(row)) for row in self._all("limits_by_hand")]

    def warn_at(self) -> float:
        """From which part of the month's limit on people are warned."""
        rows = self._all("warn_at")
        return float(rows[0][0]) if rows else 1.0

    def tasks(self, wanted: Filter, limit: int = ALL) -> list[Task]:
        """The tasks that are meant, the newest first."""
        statement, values = wanted.statement(SQL["newest"])
        with readable():
            return [task_from_row(row) for row in self._connection.execute(statement, {**values, "limit": limit})]

    def how_many(self, wanted: Filter) -> int:
        """How many tasks are meant."""
        statement, values = wanted.statement(SQL["how_many"])
        with readable():
            return int(self._connection.execute(statement, values).fetchone()[0])

    def task(self, task_id: str) -> Task | None:
        """A task by its id, without regard to case."""
        with readable():
            return self._board.tasks.get(task_id)

    def rest(self, task: Task) -> Rest:
        """What the lean page leaves out."""
        row = self._all("rest_of_task", seq=task.seq)[0]
        values = {name: row[name] for name in Rest.__struct_fields__}
        return Rest(**values | {"error": json.loads(row["error"]) if row["error"] else None})

    def runs(self, task: Task) -> list[Run]:
        """All runs of a task, first to last."""
        with readable():
            return self._board.runs.of_task(task.seq)

    def examination(self, task: Task) -> tuple[Sequence[Finding], int]:
        """What the close look at a task found: what is secret, and its score of difficulty."""
        with readable():
            return self._board.tasks.examination(task.seq)

    def needs(self, task: Task) -> Sequence[Need]:
        """The tasks that one needs, with how they stand."""
        with readable():
            return self._board.tasks.needs(task.seq)

    def history(self, task: Task, after: int = 0, limit: int = ALL) -> list[Line]:
        """A task's history from after a line, oldest first."""
        return [Line(**dict(row)) for row in self._all("history_after", seq=task.seq, after=after, limit=limit)]

    @property
    def queue(self) -> Queue:
        """Whose turn it is; ask it within `picture`."""
        return self._board.queue

    def standing(self, ids: Sequence[str]) -> dict[str, Status]:
        """The status of those of these tasks that are on the board, by their ids in lower case."""
        return {row["id"].lower(): Status(row["status"]) for row in self._all("standing", ids=json.dumps(list(ids)))}

    def identities(self, ids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """(digest, owner) of those of these tasks that are on the board, by their ids in lower case."""
        rows = self._all("standing", ids=json.dumps(list(ids)))
        return {row["id"].lower(): (row["digest"], row["owner"]) for row in rows}

    def ask(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and rows that a question of the caller's own brings. Raises UsageMistake for what is none."""
        self._connection.set_authorizer(_only_reading)
        # Python sees signals only between its own steps: this gives Ctrl-C a chance during a long question.
        self._connection.set_progress_handler(lambda: 0, _STEPS_BETWEEN_SIGNALS)
        try:
            cursor = self._connection.execute(query)
            return [column[0] for column in cursor.description or ()], [tuple(row) for row in cursor]
        except sqlite3.Warning as error:
            raise UsageMistake(f"one question at a time: {error}") from error
        except sqlite3.DatabaseError as error:
            told = "the board is for reading; only SELECT" if "authoriz" in str(error) else str(error)
            raise UsageMistake(f"the board does not understand: {told}") from error
        finally:
            self._connection.set_progress_handler(None, 0)
            self._connection.set_authorizer(None)

    def back_up(self, target: Path) -> None:
        """Copy the board while it is in use. Raises OSError when the copy cannot be written."""
        try:
            back_up(self._connection, target)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def rehearsal(self) -> Board:
        """A board in memory with the accounts, limits and latches of this one: for asking what would happen."""
        with readable():
            return rehearsal(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _all(self, statement: str, /, **values: object) -> list[Any]:
        with readable():
            return self._connection.execute(SQL[statement], values).fetchall()


def open_reading(path: Path, *, served: bool) -> Reading:
    """The board at a path; `served` = somebody holds the workshop's lock. Raises BoardUnavailable, PermissionError."""
    return Reading(open_for_reading(path, served=served))


def _only_reading(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    harmless = action in _READ_ACTIONS or (
        action == sqlite3.SQLITE_PRAGMA and first is not None and first.lower() in _HARMLESS_PRAGMAS
    )
    del second
    return sqlite3.SQLITE_OK if harmless else sqlite3.SQLITE_DENY
