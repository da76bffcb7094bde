"""The money pages: accounts, and the ledger whose lines are added and never changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache

from koubou.board.accounts import SQL, Accounts, names_of
from koubou.board.prices import price_from_json, price_to_json
from koubou.model.account import (
    NOTHING,
    Account,
    AccountKey,
    Amounts,
    Bearer,
    Billed,
    Booking,
    Dimension,
    Entry,
    HourSpend,
    OpenHold,
    TaskUsage,
)
from koubou.model.call import Usage
from koubou.model.instant import DAY, HOUR, Instant
from koubou.model.money import FREE, Nano
from koubou.rules.bill import CLOCKS

_MOVED = (Dimension.USD, Dimension.TOKENS, Dimension.CALLS, Dimension.TIME)
_MOVED_WITHIN_A_RUN = (Dimension.USD, Dimension.TOKENS, Dimension.CALLS)
_NO_USAGE = Usage(input_tokens=0, output_tokens=0)


class Ledger(Accounts):
    """Holds are guarded by the database itself; what has happened always commits."""

    # Calls

    def hold(self, entry: Entry, amounts: Amounts, bearers: Sequence[Bearer], now: Instant) -> bool:
        """Promise a call's bound on all its accounts; False (and the caller's savepoint) when one cannot bear it."""
        if not self._promise(amounts, bearers):
            return False
        self._line(entry, "hold", amounts, _NO_USAGE, False, now, now)
        return True

    def open_hold(self, call: str) -> OpenHold | None:
        """What is promised to a call; None when it was settled or released, or never held."""
        row = self._execute(SQL["open_hold"], {"call": call}).fetchone()
        if row is None:
            return None
        amounts = Amounts(usd=row["amount"], tokens=row["tokens"], calls=1, time=row["time"])
        return OpenHold(entry=_entry(row), amounts=amounts, at=row["begun_at"])

    def settle(
        self, hold: OpenHold, used: Amounts, usage: Usage | None, *, unreconciled: bool, now: Instant
    ) -> list[Account]:
        """Put what a call used in place of what was promised to it; its accounts as they stand after it."""
        self._line(hold.entry, "settle", used, usage or _NO_USAGE, unreconciled, hold.at, now)
        return self._unhold(hold, used, used.usd if unreconciled else 0, now)

    def release(self, hold: OpenHold, now: Instant, used: Amounts = NOTHING) -> list[Account]:
        """Give the promised money back: nothing was billed. Time that passed has passed."""
        self._line(hold.entry, "release", used, _NO_USAGE, False, hold.at, now)
        return self._unhold(hold, used, 0, now)

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

    def restart(self, account: Account, call: str, now: Instant) -> None:
        """Begin a new period: a line takes back what was settled, and nothing is deleted."""
        entry = Entry(call=call, task="", operation="", run=0, tier="", model="", accounts=(account.key,), price=FREE)
        amounts = Amounts(
            usd=-account.settled if account.dimension == Dimension.USD else 0,
            tokens=-account.settled if account.dimension == Dimension.TOKENS else 0,
            time=-account.settled if account.dimension == Dimension.TIME else 0,
        )
        self._write_gathered()
        self._line(entry, "reset", amounts, _NO_USAGE, False, now, now)
        values = {"name": account.name, "dimension": account.dimension, "now": now}
        self._execute(SQL["restart"], values)
        self._execute(SQL["unpark_account"], values)

    # What the provider says of it

    def hours(self, model: str, since: Instant, until: Instant) -> list[HourSpend]:
        """What a model cost in each hour in which calls of it began, by tier."""
        rows = self._execute(SQL["hours"], {"model": model, "since": since, "until": until}).fetchall()
        return [HourSpend(**dict(row)) for row in rows]

    def bookings(self, model: str, since: Instant, until: Instant) -> list[Booking]:
        """Calls that a provider may book within a window, and we in another hour; with all of those under way."""
        values = {"model": model, "since": since - DAY, "until": until + CLOCKS, "clocks": CLOCKS}
        return [Booking(**dict(row)) for row in self._execute(SQL["bookings"], values)]

    def models(self) -> list[str]:
        """The models that anything was spent on."""
        return [row[0] for row in self._execute(SQL["models"])]

    def shared_by_unknown(self, model: str, hour: Instant) -> list[AccountKey]:
        """The accounts of money that every call of an hour counts on of which nobody knows what it cost.

        Who gets back what was only feared of them; on any other account nobody could say of whose calls it was.
        """
        lines = [self._present(row, carried=True) for row in self._unknown_lines(model, hour)]
        return sorted(set(lines[0]).intersection(*lines)) if lines else []

    def confirm(self, model: str, hour: Instant, now: Instant) -> None:
        """What nobody knew of an hour's calls is known now: it no longer counts as unreconciled."""
        for row in self._unknown_lines(model, hour):
            for key in self._present(row, carried=False):
                self.count(key, 0, -row["amount"])
            self._execute(SQL["reconciled"], {"line": row["id"], "now": now})

    def correct(self, billed: Billed, tier: str, accounts: Sequence[AccountKey], now: Instant) -> list[Account]:
        """Add one line (its amount may be negative) for a model's hour; the accounts as they stand after it."""
        count = self._execute(SQL["reconciliations"], {"model": billed.model, "hour": billed.hour}).fetchone()[0]
        entry = Entry(
            call=f"reconcile:{billed.model}:{billed.hour}:{count + 1}",
            task="",
            operation="reconcile",
            run=0,
            tier=tier,
            model=billed.model,
            accounts=tuple(accounts),
            price=FREE,
        )
        self._line(entry, "reconcile", Amounts(usd=billed.amount), _NO_USAGE, False, billed.hour, now)
        moved = (self.count(key, billed.amount) for key in accounts)
        return [account for account in moved if account is not None]

    # For the views, and the rate

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

    def _unknown_lines(self, model: str, hour: Instant) -> list[sqlite3.Row]:
        """The settled lines of unknown outcome."""
        span = {"model": model, "since": hour, "until": hour + HOUR}
        return self._execute(SQL["unknown_lines"], span).fetchall()

    def _present(self, line: sqlite3.Row, *, carried: bool) -> list[AccountKey]:
        """The accounts of money of a line that have not begun anew since; those that carry it too, if so asked."""
        entry = _entry(line)
        keys = [*entry.accounts, *(self._carried(entry, line["begun_at"]) if carried else ())]
        return [key for key in keys if key.dimension == Dimension.USD and not self._began_anew(key, after=line["id"])]

    def _unhold(self, hold: OpenHold, used: Amounts, unreconciled: Nano, now: Instant) -> list[Account]:
        self._replace(hold, used, unreconciled)
        accounts = self.accounts_of(hold.entry.accounts)
        for key in self._carried(hold.entry, hold.at, within_a_run=hold.within_a_run):
            # What a new period began without is not taken from it.
            carried = 0 if self._began_anew(key, since=hold.at) else hold.amounts.of(key.dimension)
            self._carry(key, used.of(key.dimension) - carried, hold.at, now)
        return accounts

    def _carried(self, entry: Entry, at: Instant, *, within_a_run: bool = False) -> list[AccountKey]:
        """The accounts that were made after a call was held for, and carry it: of its kinds, and not named by it.

        What is `within_a_run` moves no time: its run does.
        """
        month = next((name for name, _ in entry.accounts if name.startswith("month:")), None)
        if month is None:
            return []  # it moves no money
        names = [f"tier:{entry.tier}:{month}", f"model:{entry.model}:{month}", f"task:{entry.task}"]
        names += [] if entry.submitter is None else [f"submitter:{entry.submitter}:{month}"]
        names += [] if entry.session is None else [f"session:{entry.session}"]
        moved = _MOVED_WITHIN_A_RUN if within_a_run else _MOVED
        days = tuple(row[0] for row in self._execute(SQL["days_made_since"], {"at": at}))
        return [key for key in _others(tuple(names), moved, days, entry.accounts) if self.is_open(key)]

    def _began_anew(self, key: AccountKey, *, after: int = 0, since: Instant = 0) -> bool:
        values = {"accounts": names_of((key,)), "after": after, "since": since}
        return self._execute(SQL["began_anew"], values).fetchone() is not None

    def _line(
        self,
        entry: Entry,
        kind: str,
        amounts: Amounts,
        usage: Usage,
        unreconciled: bool,
        begun_at: Instant,
        now: Instant,
    ) -> None:
        values: Mapping[str, object] = {
            "call": entry.call,
            "kind": kind,
            "task": entry.task,
            "operation": entry.operation,
            "run": entry.run,
            "tier": entry.tier,
            "model": entry.model,
            "session": entry.session,
            "submitter": entry.submitter,
            "amount": amounts.usd,
            "tokens": amounts.tokens,
            "time": amounts.time,
            "accounts": names_of(entry.accounts),
            "price": price_to_json(entry.price) if kind == "hold" else None,
            "input": usage.input_tokens,
            "cached_input": usage.cached_input_tokens,
            "cache_write": usage.cache_write_tokens,
            "output": usage.output_tokens,
            "reasoning": usage.reasoning_tokens,
            "unreconciled": unreconciled,
            "begun_at": begun_at,
            "now": now,
        }
        self._execute(SQL["line"], values)


def _entry(line: sqlite3.Row) -> Entry:
    return Entry(
        call=line["call"],
        task=line["task"],
        operation=line["operation"],
        run=line["run"],
        tier=line["tier"],
        model=line["model"],
        accounts=_keys(line["accounts"]),
        price=price_from_json(line["price"]) if line["price"] else FREE,
        session=line["session"],
        submitter=line["submitter"],
    )


@lru_cache(64)
def _others(
    names: tuple[str, ...], dimensions: tuple[Dimension, ...], days: tuple[str, ...], but: tuple[AccountKey, ...]
) -> Sequence[AccountKey]:
    """The accounts of these names in all these dimensions, and of days in money; the same for all calls of a run."""
    keys = [*(AccountKey(name, dimension) for name in names for dimension in dimensions), *map(AccountKey, days)]
    return [key for key in keys if key not in but]


@lru_cache(64)
def _keys(text: str) -> tuple[AccountKey, ...]:
    return tuple(AccountKey(name, dimension) for name, dimension in json.loads(text))
