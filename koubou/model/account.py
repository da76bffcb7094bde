"""A limit in a window, how it stands, and the lines of the ledger that move it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from koubou.model.call import Usage
from koubou.model.instant import Instant, Milliseconds
from koubou.model.money import Nano, Price


class Dimension(StrEnum):
    """What an account counts: nano-dollars, tokens (in and out), calls, milliseconds of work, an agent's deeds."""

    USD = "usd"
    TOKENS = "tokens"
    CALLS = "calls"
    TIME = "time"
    FILE_EDITS = "file_edits"
    COMMANDS = "commands"


class AccountKey(NamedTuple):
    """The name of an account and what it counts."""

    name: str
    dimension: str = Dimension.USD


class Amounts(Struct, frozen=True, kw_only=True):
    """What a call may use at most, or used, in every dimension that a call moves."""

    usd: Nano = 0
    tokens: int = 0
    calls: int = 0
    time: Milliseconds = 0

    def of(self, dimension: str) -> int:
        """The amount in one dimension; 0 in those that no call moves."""
        found: int = getattr(self, dimension, 0)
        return found


NOTHING = Amounts()


class Past(Struct, frozen=True, kw_only=True):
    """Which calls count already when an account is made: from `since` on, those whose `column` has this value.

    The columns are tier, model, submitter, session and task of the ledger; "" = every call.
    """

    column: str
    value: str | int = ""
    since: Instant = 0


class Limit(Struct, frozen=True, kw_only=True):
    """What an account is to allow: `limit` as the operator set it, `ceiling` the hard bound (None = none).

    `bearable` is up to where the call at hand may fill it, never above the ceiling; `most` what no window of its kind
    ever bears more than, None where a person set it and may set it anew. These two belong to the call, not to the
    account.
    """

    name: str
    dimension: str = Dimension.USD
    limit: int | None
    ceiling: int | None
    bearable: int | None = None
    most: int | None = None
    warn_percent: int = 80
    reopens: Instant | None = None
    past: Past | None = None

    @property
    def key(self) -> AccountKey:
        """Which account."""
        return AccountKey(self.name, self.dimension)


class Account(Struct, frozen=True, kw_only=True):
    """An account as it stands; amounts in the unit of its dimension.

    `limit` and `ceiling` include `added`, which a person gave on top of the settings; `overdrawn` says that a call was
    let through above the limit since. `told` is the highest level, in percent, that was told. `reopens` is when its
    window ends.
    """

    name: str
    dimension: str
    limit: int | None
    ceiling: int | None
    settled: int
    held: int
    unreconciled: int = 0
    added: int = 0
    overdrawn: bool = False
    told: int = 0
    warn_percent: int = 80
    reopens: Instant | None = None

    @property
    def key(self) -> AccountKey:
        """Its name and what it counts."""
        return AccountKey(self.name, self.dimension)

    @property
    def left(self) -> int | None:
        """What a new hold may still take; None where there is no limit."""
        return None if self.ceiling is None else max(0, self.ceiling - self.settled - self.held)

    @property
    def over(self) -> int:
        """By how much facts stand above the ceiling."""
        return 0 if self.ceiling is None else max(0, self.settled + self.held - self.ceiling)

    @property
    def percent(self) -> int:
        """How much of the limit is settled, in whole percent, rounded down; 0 where there is no limit."""
        if self.limit is None:
            return 0
        return self.settled * 100 // self.limit if self.limit else 100


class Bearer(Struct, frozen=True, kw_only=True):
    """An account as one call finds it: it may fill it up to `bearable`, and no window of it bears more than `most`."""

    account: Account
    bearable: int | None
    most: int | None

    @property
    def left(self) -> int | None:
        """What this call may still take; None where there is no limit."""
        used = self.account.settled + self.account.held
        return None if self.bearable is None else max(0, self.bearable - used)


class Entry(Struct, frozen=True, kw_only=True):
    """Whose call a line of the ledger is about, and at which price; the same for its hold and for its end."""

    call: str
    task: str
    operation: str
    run: int
    tier: str
    model: str
    accounts: tuple[AccountKey, ...]
    price: Price
    session: str | None = None
    submitter: int | None = None


class OpenHold(Struct, frozen=True, kw_only=True):
    """What is promised to a call whose end is not known yet."""

    entry: Entry
    amounts: Amounts
    at: Instant

    @property
    def amount(self) -> Nano:
        """The money in it."""
        return self.amounts.usd

    @property
    def within_a_run(self) -> bool:
        """Whether it is one of many calls of an agent's run, which itself holds the time of all of them."""
        return self.amounts.time == 0


class TaskUsage(Struct, frozen=True, kw_only=True):
    """What a task's calls used in all."""

    calls: int
    usage: Usage
    cost: Nano


class Billed(Struct, frozen=True, kw_only=True):
    """What a provider's export says of one model in one hour (UTC, by its first millisecond)."""

    model: str
    hour: Instant
    amount: Nano


class HourSpend(Struct, frozen=True, kw_only=True):
    """What the ledger has for one model and tier in one hour; `unknown` is the part of it that nobody confirmed."""

    model: str
    tier: str
    hour: Instant
    amount: Nano
    unknown: Nano


class Booking(Struct, frozen=True, kw_only=True):
    """When a call was under way, and what it cost; what is held for it while its end is not known (`ended` is None)."""

    begun: Instant
    ended: Instant | None
    amount: Nano
