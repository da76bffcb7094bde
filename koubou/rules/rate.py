"""How fast a tier may be asked: the generic cell rate algorithm (GCRA, ITU-T I.371), which needs one number a limit.

`due_at` is when the next call would come exactly on time (microseconds). A call conforms when it comes no earlier than
`due_at` less the tolerance; each call moves `due_at` on by its share of the minute. The tolerance lets a sixth of the
minute's allowance through at once, so that no window of a minute sees more than the limit and that burst.
"""

from __future__ import annotations

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


def _share(weight: int, per_minute: int) -> int:
    """Its part of the minute, rounded up: what is rounded must never add up to a call too many."""
    return -(-weight * MINUTE_US // per_minute)
