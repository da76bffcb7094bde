"""What was spent, read from the ledger: sums by operation, tier, model, task, session, submitter and day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, tzinfo

from msgspec import Struct

from koubou.board.ledger import Ledger
from koubou.board.sql import statements
from koubou.model.account import Booking, HourSpend
from koubou.model.instant import HOUR, MINUTE, Instant, Milliseconds
from koubou.model.money import Nano
from koubou.rules.days import day_of

SQL = statements("reports")
BY = ("operation", "tier", "model", "task", "session", "submitter", "day")
"""What a report can be by."""

_SLOT = 15 * MINUTE
"""Every time zone of today begins its days at a quarter of an hour."""
_KEYS = {**{name: name for name in BY}, "day": f"begun_at / {_SLOT}"}


class Sum(Struct, frozen=True, kw_only=True):
    """What the calls of one key used and cost. Input includes what was cached or written, output the reasoning.

    The key is None where there is none: no session, or no task, for a correction by the provider's bill.
    """

    key: str | int | None
    calls: int = 0
    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cost: Nano = 0
    unreconciled: Nano = 0


_AMOUNTS = tuple(name for name in Sum.__struct_fields__ if name != "key")


class Backend(Struct, frozen=True, kw_only=True):
    """How the runs of one executor did, what their calls cost, and how long those took together that came to an end."""

    backend: str
    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    cost: Nano = 0
    time: Milliseconds = 0

    @property
    def success_rate(self) -> float | None:
        """The share of those that came to an end; None where none did."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None

    @property
    def mean_time(self) -> Milliseconds | None:
        """Of those that came to an end."""
        ended = self.succeeded + self.failed
        return self.time // ended if ended else None


class PaidCalls(Struct, frozen=True, kw_only=True):
    """How many calls of a tier cost something, how much they cost together, and the model of the last one."""

    calls: int
    cost: Nano
    model: str


class Reports:
    """Questions to the ledger; ask them within `Reading.picture`, so that they agree with one another."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._ledger = Ledger(connection)

    def sums(self, by: str, since: Instant, until: Instant, zone: tzinfo) -> list[Sum]:
        """The sums of one of BY within a window, the dearest first; days in their order, in this time zone."""
        if by != "day":
            return self._sums(by, since, until)
        days: dict[str, Sum] = {}
        for quarter in self._sums("day", since, until):
            day = day_of(int(quarter.key or 0) * _SLOT, zone).isoformat()
            days[day] = total((days.get(day, Sum(key=day)), quarter), day)
        return [days[day] for day in sorted(days)]

    def backends(self, since: Instant, until: Instant) -> list[Backend]:
        """How the runs of a window did by executor, those with most runs first; of tasks that are still kept."""
        rows = self._execute(SQL["backends"], {"since": since, "until": until})
        return [Backend(**dict(row)) for row in rows]

    def days(self, since: Instant, until: Instant, zone: tzinfo) -> dict[date, dict[str, Nano]]:
        """What was spent on each day with any, by tier."""
        found: dict[date, dict[str, Nano]] = {}
        for slot, tier, cost in self._execute(SQL["slots"], {"since": since, "until": until}):
            tiers = found.setdefault(day_of(slot * _SLOT, zone), {})
            tiers[tier] = tiers.get(tier, 0) + cost
        return found

    def paid_calls(self, since: Instant, until: Instant) -> dict[str, PaidCalls]:
        """Of each tier: the calls that cost something."""
        rows = self._execute(SQL["paid_calls"], {"since": since, "until": until})
        return {tier: PaidCalls(calls=calls, cost=cost, model=model) for tier, calls, cost, model, _ in rows}

    def spent(self, since: Instant, until: Instant) -> Nano:
        """All that was spent within a window."""
        return sum(each.cost for each in self._sums("tier", since, until))

    def first_at(self) -> Instant | None:
        """When the first call was held for; None before there was one."""
        found: Instant | None = self._execute(SQL["first_at"]).fetchone()[0]
        return found

    def models(self) -> Sequence[str]:
        """The models that anything was spent on."""
        return self._ledger.models()

    def hours(self, model: str, since: Instant, until: Instant) -> list[HourSpend]:
        """What the ledger has for a model in each hour that begins within a window, by tier."""
        return self._ledger.hours(model, since // HOUR * HOUR, until)

    def bookings(self, model: str, since: Instant, until: Instant) -> list[Booking]:
        """Calls that a provider may book within a window, and we in another hour; with all of those under way."""
        return self._ledger.bookings(model, since, until)

    def _sums(self, by: str, since: Instant, until: Instant) -> list[Sum]:
        statement = SQL["sums"].replace("{key}", _KEYS[by])
        rows = self._execute(statement, {"since": since, "until": until})
        return [Sum(**dict(row)) for row in rows]


def total(sums: Iterable[Sum], key: str | None = None) -> Sum:
    """All of them together."""
    amounts = dict.fromkeys(_AMOUNTS, 0)
    for each in sums:
        for name in _AMOUNTS:
            amounts[name] += getattr(each, name)
    return Sum(key=key, **amounts)
