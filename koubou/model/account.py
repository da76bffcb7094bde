"""A limit in a window, how it stands, and the lines of the ledger that move it."""

from __future__ import annotations

from dataclasses import dataclass

from koubou.model.call import Usage
from koubou.model.instant import Instant
from koubou.model.money import Nano, Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What an account is to allow: `limit` as the operator set it, `ceiling` the hard bound (None = none)."""

    name: str
    dimension: str = "usd"
    limit: Nano | None
    ceiling: Nano | None
    warn_percent: int = 80
    reopens: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it stands; amounts in nano-dollars for the dimension `usd`.

    `ceiling` is the hard limit (None = none); `limit` is what the operator set. `reopens` is when its window ends.
    """

    name: str
    dimension: str
    limit: Nano | None
    ceiling: Nano | None
    settled: Nano
    held: Nano
    unreconciled: Nano = 0
    reopens: Instant | None = None

    @property
    def left(self) -> Nano | None:
        """What a new hold may still take; None where there is no limit."""
        return None if self.ceiling is None else max(0, self.ceiling - self.settled - self.held)

    @property
    def over(self) -> Nano:
        """By how much facts stand above the ceiling."""
        return 0 if self.ceiling is None else max(0, self.settled + self.held - self.ceiling)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Whose call a line of the ledger is about, and at which price; the same for its hold and for its end."""

    call: str
    task: str
    operation: str
    run: int
    tier: str
    model: str
    accounts: tuple[str, ...]
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """Money that is promised to a call whose end is not known yet."""

    entry: Entry
    amount: Nano


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUsage:
    """What a task's calls used in all."""

    calls: int
    usage: Usage
    cost: Nano
