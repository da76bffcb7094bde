"""The value below which a share of some values lies."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """By nearest rank: the smallest of the ordered values that so many percent do not exceed; None of none."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
