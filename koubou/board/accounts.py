"""The accounts: how each stands, what limits it, and what a person set in place of the settings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from koubou.board.gathering import Gathering
from koubou.board.rows import account_from_row
from koubou.board.sql import statements
from koubou.errors import IllegalMove
from koubou.model.account import Account, AccountKey, Amounts, Bearer, Dimension, Limit, OpenHold, Past
from koubou.model.budget import SetLimits
from koubou.model.instant import Instant
from koubou.model.money import Nano

_USED = """coalesce(sum(amount), 0) AS usd, coalesce(sum(tokens), 0) AS tokens, coalesce(sum(time), 0) AS time,
       count(*) FILTER (WHERE kind = 'settle' OR kind = 'hold' AND tokens > 0) AS calls
FROM (SELECT * FROM ledger l WHERE kind IN ('settle', 'release', 'reconcile') OR kind = 'hold' AND NOT EXISTS
      (SELECT 1 FROM ledger e WHERE e.call = l.call AND e.kind IN ('settle', 'release'))) AS l"""
"""What lines of the ledger come to, those of calls under way with all that they hold."""

SQL = statements("ledger", USED=_USED)
_REMEMBERED = 10_000


class Accounts:
    """The part of the money page that limits; lines of the ledger move what stands here."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._execute_many = connection.executemany
        self._absent: set[AccountKey] = set()
        self._gathering: Gathering | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Write what calls move on accounts once for all of them, at its end; within a savepoint that is undone too.

        Raises IllegalMove where an account refuses the sum; then whoever is within is to do each call by itself.
        """
        self._gathering = Gathering()
        try:
            yield
            self._write_gathered()
        finally:
            self._gathering = None

    def open_account(self, limit: Limit, now: Instant) -> Account:
        """An account as it stands: made where there is none, its limits brought up to date.

        When a limit has changed, whoever waits for the account asks anew.
        """
        found = self.account(*limit.key)
        return found if found is not None and _is_current(found, limit) else self._opened(limit, found, now)

    def open_accounts(self, limits: Sequence[Limit], now: Instant) -> list[Account]:
        """The accounts of all these limits, each as `open_account` says."""
        found = {account.key: account for account in self.accounts_of([limit.key for limit in limits])}
        return [
            account if account is not None and _is_current(account, limit) else self._opened(limit, account, now)
            for limit, account in ((limit, found.get(limit.key)) for limit in limits)
        ]

    def accounts_of(self, keys: Sequence[AccountKey]) -> list[Account]:
        """Those of these accounts that there are, as they stand."""
        if self._gathering is None:
            return self._read(keys)
        known = self._gathering.accounts
        if missing := self._gathering.missing(keys):
            known.update((account.key, account) for account in self._read(missing))
        return [known[key] for key in keys if key in known]

    def _read(self, keys: Sequence[AccountKey]) -> list[Account]:
        return [account_from_row(row) for row in self._execute(SQL["several"], {"accounts": names_of(tuple(keys))})]

    def _write_gathered(self) -> None:
        """Bring the board up to date, before anything else reads or moves accounts there."""
        if self._gathering is not None:
            gathered, self._gathering = self._gathering, Gathering()
            if ends := gathered.ends():
                self._execute_many(SQL["unhold"], ends)
            holds = gathered.holds()
            if holds and self._execute_many(SQL["hold"], holds).rowcount != len(holds):
                raise IllegalMove("an account refused what its calls were granted one by one")

    def _promise(self, amounts: Amounts, bearers: Sequence[Bearer]) -> bool:
        """Hold these amounts on all these accounts; False when one cannot bear it."""
        if self._gathering is not None:
            self.accounts_of([bearer.account.key for bearer in bearers])
            return all(
                self._gathering.hold(bearer.account.key, amounts.of(bearer.account.dimension), bearer.bearable)
                for bearer in bearers
            )
        values = [
            {
                "name": bearer.account.name,
                "dimension": bearer.account.dimension,
                "amount": amounts.of(bearer.account.dimension),
                "bearable": bearer.bearable,
            }
            for bearer in bearers
        ]
        return not values or self._execute_many(SQL["hold"], values).rowcount == len(values)

    def _replace(self, hold: OpenHold, used: Amounts, unreconciled: Nano) -> None:
        """Put what a call used in place of what was held for it, on all its accounts."""
        if self._gathering is not None:
            self.accounts_of(hold.entry.accounts)
            for key in hold.entry.accounts:
                unknown = unreconciled if key.dimension == Dimension.USD else 0
                self._gathering.end(key, hold.amounts.of(key.dimension), used.of(key.dimension), unknown)
            return
        values = [
            {
                "name": name,
                "dimension": dimension,
                "hold": hold.amounts.of(dimension),
                "amount": used.of(dimension),
                "unreconciled": unreconciled if dimension == Dimension.USD else 0,
            }
            for name, dimension in hold.entry.accounts
        ]
        self._execute_many(SQL["unhold"], values)

    def _opened(self, limit: Limit, found: Account | None, now: Instant) -> Account:
        self._write_gathered()
        values = {
            "name": limit.name,
            "dimension": limit.dimension,
            "limit": limit.limit,
            "ceiling": limit.ceiling,
            "warn_percent": limit.warn_percent,
            "reopens": limit.reopens,
            "now": now,
        }
        moved = self._execute(SQL["open_account"], values).rowcount
        if found is None:
            self._absent.discard(limit.key)
            if limit.past is not None:
                self._carry(limit.key, self._used_before(limit.key, limit.past), limit.past.since, now)
        elif moved:
            self._execute(SQL["unpark_account"], {"name": limit.name, "dimension": limit.dimension, "now": now})
        opened = self.account(*limit.key)
        assert opened is not None  # noqa: S101 - it was just written
        return opened

    def account(self, name: str, dimension: str = Dimension.USD) -> Account | None:
        """One account as it stands."""
        if self._gathering is not None:
            return next(iter(self.accounts_of([AccountKey(name, dimension)])), None)
        row = self._execute(SQL["account"], {"name": name, "dimension": dimension}).fetchone()
        return account_from_row(row) if row else None

    def is_open(self, key: AccountKey) -> bool:
        """Whether there is such an account. Asked for every call: what is not there is remembered."""
        if key in self._absent:
            return False
        if self.account(*key) is not None:
            return True
        if len(self._absent) >= _REMEMBERED:
            self._absent.clear()
        self._absent.add(key)
        return False

    def accounts(self) -> list[Account]:
        """Every account as it stands, by name."""
        self._write_gathered()
        return [account_from_row(row) for row in self._execute(SQL["accounts"]).fetchall()]

    def window_accounts(self) -> list[Account]:
        """Those that are not of a single task: windows, tiers, sessions and the like."""
        self._write_gathered()
        return [account_from_row(row) for row in self._execute(SQL["window_accounts"]).fetchall()]

    def count(self, key: AccountKey, amount: int, unreconciled: int = 0) -> Account | None:
        """Note what was used without a hold: an agent's deed, a line of a bill. None where there is no such account."""
        self._write_gathered()
        values = {"name": key.name, "dimension": key.dimension, "amount": amount, "unreconciled": unreconciled}
        row = self._execute(SQL["count"], values).fetchone()
        return account_from_row(row) if row else None

    def note_level(self, key: AccountKey, level: int) -> None:
        """Remember that this level, in percent, was told."""
        self._write_gathered()
        self._execute(SQL["told"], {"name": key.name, "dimension": key.dimension, "level": level})

    def add(self, key: AccountKey, amount: int, now: Instant) -> None:
        """Give an account more than the settings do; whoever waits for it asks anew."""
        self._write_gathered()
        values = {"name": key.name, "dimension": key.dimension, "amount": amount, "now": now}
        self._execute(SQL["add"], values)
        self._absent.discard(key)
        self._execute(SQL["unpark_account"], values)

    # What a person set

    def set_limits(self) -> SetLimits:
        """What a person set in place of the settings, by scope and dimension."""
        return {(scope, dimension): amount for scope, dimension, amount in self._execute(SQL["settings"]).fetchall()}

    def set_limit(self, scope: str, dimension: str, amount: int | None, actor: str, reason: str, now: Instant) -> None:
        """Set a limit in place of the settings; None = no limit."""
        values = {"scope": scope, "dimension": dimension, "amount": amount, "actor": actor, "reason": reason}
        self._execute(SQL["set_limit"], values | {"now": now})

    def unset_limit(self, scope: str, dimension: str) -> bool:
        """Go back to what the settings say; False when nothing was set."""
        return self._execute(SQL["unset_limit"], {"scope": scope, "dimension": dimension}).rowcount == 1

    def _used_before(self, key: AccountKey, past: Past) -> int:
        """What calls used before the account was made; one under way counts with all that it holds, until its end."""
        values = {"column": past.column, "value": past.value, "since": past.since}
        statement = f"past_of_{past.column}" if past.column in ("session", "task") else "past_of_window"
        return int(self._execute(SQL[statement], values).fetchone()[key.dimension])

    def _carry(self, key: AccountKey, amount: int, since: Instant, now: Instant) -> None:
        """Move what was used `since` without a hold on this account by a line of its own; it may be negative."""
        if amount:
            values = {"account": key.name, "dimension": key.dimension, "amount": amount, "since": since, "now": now}
            self._execute(SQL["carry"], values)
            self.count(key, amount)


@lru_cache(256)
def names_of(accounts: tuple[AccountKey, ...]) -> str:
    """Accounts as the board writes several of them down."""
    return json.dumps(accounts, separators=(",", ":"))


def _is_current(account: Account, limit: Limit) -> bool:
    """Whether nothing of the limit has changed; what it warns at is of no account to those who wait."""
    added = account.added
    return (
        account.limit == (None if limit.limit is None else limit.limit + added)
        and account.ceiling == (None if limit.ceiling is None else limit.ceiling + added)
        and account.reopens == limit.reopens
        and account.warn_percent == limit.warn_percent
    )
