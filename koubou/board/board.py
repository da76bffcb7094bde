"""The board: one connection, its pages, and the transaction of a turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from koubou.board.agent_calls import AgentCalls
from koubou.board.alarms import Alarms
from koubou.board.circuits import Circuits
from koubou.board.connection import damaged
from koubou.board.crew import Crew
from koubou.board.experience import Experiences
from koubou.board.history import History
from koubou.board.ledger import Ledger
from koubou.board.migrating import is_passing
from koubou.board.notices import Notices
from koubou.board.notifications import Notifications
from koubou.board.queue import Queue
from koubou.board.retention import Kept
from koubou.board.runs import Runs
from koubou.board.tasks import Tasks
from koubou.board.tokens import Tokens
from koubou.errors import BoardUnavailable, BoardUnusable

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF


class Board:
    """All pages over one connection. Write only within `transaction`; wrap what may fail alone in `savepoint`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.tasks = Tasks(connection)
        self.queue = Queue(connection)
        self.runs = Runs(connection)
        self.agent_calls = AgentCalls(connection)
        self.ledger = Ledger(connection)
        self.crew = Crew(connection)
        self.circuits = Circuits(connection)
        self.history = History(connection)
        self.experience = Experiences(connection)
        self.notices = Notices(connection)
        self.notifications = Notifications(connection)
        self.kept = Kept(connection)
        self.tokens = Tokens(connection)
        self.alarms = Alarms(connection)

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """What SQLite says in our words: BoardUnavailable where trying later may help, BoardUnusable for damage."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _DAMAGE:
                raise BoardUnusable(damaged("the board", error)) from error
            if is_passing(error):
                raise BoardUnavailable(f"the board cannot be reached: {error}") from error
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is on disk when this ends, or none of it.

        Raises BoardUnavailable, and BoardUnusable where the board is damaged.
        """
        try:
            with self.reachable():
                self.history.look_again()
                self.connection.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self.connection.execute("COMMIT")
                except BaseException:
                    self.history.look_again()
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                    raise
        except sqlite3.OperationalError as error:
            raise BoardUnavailable(f"the board cannot be written: {error}") from error

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What raises within is undone alone; the transaction around it goes on.

        Not so where the board itself is at fault: that comes up as in `transaction`, and is to undo all of it.
        """
        with self.reachable():
            self.connection.execute("SAVEPOINT apart")
            try:
                yield
            except BaseException:
                self.history.look_again()
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK TO apart")
                    self.connection.execute("RELEASE apart")
                raise
            self.connection.execute("RELEASE apart")

    @contextmanager
    def together(self) -> Iterator[None]:
        """A `savepoint` for many calls of agents, whose accounts are read and written once for all of them."""
        with self.savepoint(), self.ledger.gathering():
            yield

    def close(self) -> None:
        """Close the connection; the last one folds the write-ahead log into the file."""
        self.connection.close()
