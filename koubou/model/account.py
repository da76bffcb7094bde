"""A limit in a window, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass

from koubou.model.instant import Instant
from koubou.model.money import Nano


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
