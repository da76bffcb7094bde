"""Who waits on the page of tasks, and what lets them go on: a time, money, another task."""

from __future__ import annotations

import sqlite3

from koubou.board.rows import TASK_COLUMNS
from koubou.board.sql import statements
from koubou.model.account import Account, AccountKey
from koubou.model.instant import Instant

SQL = statements("tasks", TASK=TASK_COLUMNS)
_BREACHES_WOKEN_AT_ONCE = 64
_WITHOUT_END = 1 << 60


class Parked:
    """The part of the page of tasks that is about waiting."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def unparked(self, seq: int, now: Instant) -> None:
        """Let a parked task go on from the step for which it waits."""
        self._execute(SQL["unpark"], {"seq": seq, "now": now})

    def wake_by_time(self, now: Instant) -> int:
        """Let go on whose time has come; return how many."""
        return self._execute(SQL["wake_by_time"], {"now": now}).rowcount

    def next_wake(self) -> Instant | None:
        """When the next parked task's time comes."""
        found: Instant | None = self._execute(SQL["next_wake"]).fetchone()[0]
        return found

    def anybody(self, now: Instant) -> bool:
        """Whether anything waits that time, money or a free place can move on: a step of its way, a park that ends."""
        return bool(self._execute(SQL["anybody"], {"now": now}).fetchone()[0])

    def anybody_queued(self) -> bool:
        """Whether anything waits for a place, in whatever tier."""
        return bool(self._execute(SQL["anybody_queued"]).fetchone()[0])

    def breached_accounts(self) -> list[AccountKey]:
        """Accounts for which tasks are parked."""
        return [AccountKey(*row) for row in self._execute(SQL["breached_accounts"]).fetchall()]

    def wake_breached(self, name: str, account: Account, now: Instant) -> int:
        """Let go on who waits for `name`, as many as fit what `account` has left, in order; return how many."""
        used = account.settled + account.held if account.ceiling is not None else -_WITHOUT_END
        idle = account.held == 0
        values = {"account": name, "dimension": account.dimension, "used": used, "idle": idle}
        woken = 0
        if idle and account.reopens is not None:
            woken += self._execute(SQL["unpark_spent"], values | {"now": now}).rowcount
        rows = self._execute(SQL["breached"], values | {"limit": _BREACHES_WOKEN_AT_ONCE}).fetchall()
        for seq, need, least, bearable in rows:
            room = bearable - used
            taken = min(need, room) if idle and least <= room else need
            if taken > room:
                break
            used += taken
            self.unparked(seq, now)
            woken += 1
        return woken

    def wake_all_breached(self, now: Instant) -> None:
        """Limits of any account may have changed: whoever waits for one asks anew."""
        self._execute(SQL["unpark_breached"], {"now": now})

    def needers(self, task_id: str) -> list[int]:
        """Who is parked for a task."""
        return [row[0] for row in self._execute(SQL["needers"], {"id": task_id})]
