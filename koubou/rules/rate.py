"""How fast a tier may be asked: the generic cell rate algorithm (GCRA, ITU-T I.371), which needs one number a limit.

`due_at` is when the next call would come exactly on time (microseconds). A call conforms when it comes no earlier than
`due_at` less the tolerance; each call moves `due_at` on by its share of the minute. The tolerance lets a sixth of the
minute's allowance through at once, so that no window of a minute sees more than the limit and that burst.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from koubou.model.instant import Instant
from koubou.model.tier import Tier

MINUTE_US = 60_000_000
BURST_SHARE = 6


def next_due(now_us: int, due_at: int, weight: int, per_minute: int) -> int:
    """Where `due_at` stands once `weight` more units are let through."""
    return max(now_us, due_at) + _share(weight, per_minute)


def conforms_at(due_at: int, weight: int, per_minute: int) -> int:
    """The earliest microsecond at which `weight` units conform. A weight above the burst may pass when all is quiet."""
    share = _share(weight, per_minute)
    tolerance = max(MINUTE_US // BURST_SHARE, share)
    return due_at + share - tolerance


def limits_of(tier: Tier, tokens: int) -> Sequence[tuple[str, int, int]]:
    """(dimension, weight of a call of so many tokens, units a minute) of each rate that a tier has."""
    limits = (("requests", 1, tier.requests_per_minute), ("tokens", tokens, tier.tokens_per_minute))
    return [(dimension, weight, per_minute) for dimension, weight, per_minute in limits if per_minute is not None]


def opens_at(tier: Tier, due_of: Callable[[str, str], int], tokens: int = 0) -> Instant:
    """The earliest moment at which a tier's own rates let a call of so many tokens through; 0 where it has none.

    `due_of` gives where `due_at` stands (microseconds) by tier and dimension.
    """
    moments = [
        conforms_at(due_of(tier.name, dimension), weight, per_minute)
        for dimension, weight, per_minute in limits_of(tier, tokens)
    ]
    return -(-max(moments, default=0) // 1000)


def _share(weight: int, per_minute: int) -> int:
    """Its part of the minute, rounded up: what is rounded must never add up to a call too many."""
    return -(-weight * MINUTE_US // per_minute)
