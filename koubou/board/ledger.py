"""The money pages: accounts, and the ledger whose lines are added and never changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from koubou.board.prices import price_from_json, price_to_json
from koubou.board.rows import account_from_row
from koubou.board.sql import statements
from koubou.model.account import Account, Entry, Limit, OpenHold, TaskUsage
from koubou.model.call import Usage
from koubou.model.instant import Instant
from koubou.model.money import Nano

SQL = statements("ledger")
_NO_USAGE = Usage(input_tokens=0, output_tokens=0)


class Ledger:
    """Holds are guarded by the database itself; what has happened always commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def open_account(self, limit: Limit, now: Instant) -> None:
        """Make an account, or bring its limits up to date."""
        values = {name: getattr(limit, name) for name in Limit.__slots__} | {"now": now}
        self._execute(SQL["open_account"], values)

    def account(self, name: str, dimension: str = "usd") -> Account | None:
        """One account as it stands."""
        row = self._execute(SQL["account"], {"name": name, "dimension": dimension}).fetchone()
        return account_from_row(row) if row else None

    def accounts(self) -> list[Account]:
        """Every account as it stands, by name."""
        return [account_from_row(row) for row in self._execute(SQL["accounts"]).fetchall()]

    def hold(self, entry: Entry, amount: Nano, now: Instant) -> bool:
        """Promise money on every account of the entry; False (and the caller's savepoint) when one cannot bear it."""
        for name in entry.accounts:
            if self._execute(SQL["hold"], {"name": name, "amount": amount}).rowcount != 1:
                return False
        self._line(entry, "hold", amount, _NO_USAGE, False, now)
        return True

    def open_hold(self, call: str) -> OpenHold | None:
        """What is promised to a call; None when it was settled or released, or never held."""
        row = self._execute(SQL["open_hold"], {"call": call}).fetchone()
        if row is None:
            return None
        entry = Entry(
            call=call,
            task=row["task"],
            operation=row["operation"],
            run=row["run"],
            tier=row["tier"],
            model=row["model"],
            accounts=tuple(json.loads(row["accounts"])),
            price=price_from_json(row["price"]),
        )
        return OpenHold(entry=entry, amount=row["amount"])

    def settle(self, hold: OpenHold, amount: Nano, usage: Usage | None, *, unreconciled: bool, now: Instant) -> None:
        """Put what a call cost in place of what was promised to it."""
        self._unhold(hold, amount, amount if unreconciled else 0)
        self._line(hold.entry, "settle", amount, usage or _NO_USAGE, unreconciled, now)

    def release(self, hold: OpenHold, now: Instant) -> None:
        """Give the promised money back: nothing was billed."""
        self._unhold(hold, 0, 0)
        self._line(hold.entry, "release", 0, _NO_USAGE, False, now)

    def usage_of_task(self, task_id: str) -> TaskUsage:
        """What all calls of a task used and cost."""
        row = self._execute(SQL["usage_of_task"], {"task": task_id}).fetchone()
        usage = Usage(
            input_tokens=row["input"],
            output_tokens=row["output"],
            cached_input_tokens=row["cached_input"],
            cache_write_tokens=row["cache_write"],
            reasoning_tokens=row["reasoning"],
        )
        return TaskUsage(calls=row["calls"], usage=usage, cost=row["amount"])

    def set_budget(self, monthly: Nano | None, warn: float, emergency: float, now: Instant) -> None:
        """Note the monthly budget and its thresholds (shares of it) for the view `budget_config`."""
        self._execute(SQL["budget_setting"], {"monthly": monthly, "warn": warn, "emergency": emergency, "now": now})

    def rate_due(self, tier: str, dimension: str) -> int:
        """Where a tier's rate stands: the microsecond at which its next call comes exactly on time."""
        row = self._execute(SQL["rate"], {"tier": tier, "dimension": dimension}).fetchone()
        return row[0] if row else 0

    def set_rate_due(self, tier: str, dimension: str, due_at: int) -> None:
        """Move a tier's rate on."""
        self._execute(SQL["set_rate"], {"tier": tier, "dimension": dimension, "due_at": due_at})

    def _unhold(self, hold: OpenHold, amount: Nano, unreconciled: Nano) -> None:
        for name in hold.entry.accounts:
            values = {"name": name, "hold": hold.amount, "amount": amount, "unreconciled": unreconciled}
            self._execute(SQL["unhold"], values)

    def _line(self, entry: Entry, kind: str, amount: Nano, usage: Usage, unreconciled: bool, now: Instant) -> None:
        self._execute(
            SQL["line"],
            {
                "call": entry.call,
                "kind": kind,
                "task": entry.task,
                "operation": entry.operation,
                "run": entry.run,
                "tier": entry.tier,
                "model": entry.model,
                "amount": amount,
                "accounts": _names(entry.accounts),
                "price": price_to_json(entry.price) if kind == "hold" else None,
                "input": usage.input_tokens,
                "cached_input": usage.cached_input_tokens,
                "cache_write": usage.cache_write_tokens,
                "output": usage.output_tokens,
                "reasoning": usage.reasoning_tokens,
                "unreconciled": unreconciled,
                "now": now,
            },
        )


def _names(accounts: Sequence[str]) -> str:
    return json.dumps(list(accounts))
