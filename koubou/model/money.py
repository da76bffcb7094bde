"""Money: integers of nano-dollars, rounded up; USD only at the edges."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from msgspec import Struct
from msgspec.structs import force_setattr

Nano = int
"""Nano-dollars: 1 USD = 1,000,000,000."""

USD: Nano = 1_000_000_000
MILLION = 1_000_000
RICHEST: Nano = 10**9 * USD
"""The largest amount that anybody may write: ten times as much would not fit into the board's 64-bit integers."""
THE_MOST = f"${RICHEST // USD:,}"


def nano(usd: Decimal | int | str) -> Nano:
    """Nano-dollars of an exact amount of USD, rounded up. Floats are refused: they are not exact."""
    return int((Decimal(usd) * USD).to_integral_value(rounding=ROUND_CEILING))


def usd(amount: Nano) -> float:
    """USD of an amount, for people and JSON."""
    return amount / USD


def show_usd(amount: Nano) -> str:
    """An amount as people read it: $0.0213, at least two and at most six places."""
    places = f"{Decimal(amount) / USD:.6f}"
    whole, _, fraction = places.partition(".")
    return f"${whole}.{fraction.rstrip('0').ljust(2, '0')}"


_AS_CACHE_WRITE: Nano = -1  # what is not said, also in lines of the ledger that were written before it could be


class Rates(Struct, frozen=True, kw_only=True):
    """Nano-dollars per million tokens of each kind. What is kept in a cache for an hour may cost more to write."""

    input: Nano
    output: Nano
    cached_input: Nano
    cache_write: Nano
    cache_write_1h: Nano = _AS_CACHE_WRITE

    def __post_init__(self) -> None:
        if self.cache_write_1h == _AS_CACHE_WRITE:
            force_setattr(self, "cache_write_1h", self.cache_write)


class Price(Struct, frozen=True, kw_only=True):
    """What a model charges. `steps` re-rate the WHOLE request once its input passes so many tokens (long context).

    `source` says where the figures are from: a key of the settings, or the table with its version, provider and day.
    The same figures found again on another day are the same price: no worker goes home for that.
    """

    base: Rates
    steps: tuple[tuple[int, Rates], ...] = ()
    source: str = "settings"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Price) and (self.base, self.steps) == (other.base, other.steps)

    def __hash__(self) -> int:
        return hash((self.base, self.steps))

    @property
    def free(self) -> bool:
        """Whether nothing this price knows costs anything; declared in the settings, never inferred."""
        return all(
            rate == 0
            for rates in (self.base, *(rates for _, rates in self.steps))
            for rate in (rates.input, rates.output, rates.cached_input, rates.cache_write, rates.cache_write_1h)
        )


FREE = Price(base=Rates(input=0, output=0, cached_input=0, cache_write=0))
