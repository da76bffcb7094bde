"""About how long a task waits for its place."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from koubou.model.instant import MINUTE, Milliseconds


def estimated_wait(
    *,
    ahead: int,
    places: int,
    running: int,
    durations: Sequence[Milliseconds],
    per_minute: int | None,
    opens_in: Milliseconds = 0,
) -> Milliseconds | None:
    """From how long the tier's last answers took, how many tasks come first, and when the next call may be sent.

    None while nothing is known. Who asks for fewer tokens, or belongs to another submitter, may come earlier; a breaker
    or a limit makes it later.
    """
    if places < 1:
        return None
    for_rate = opens_in + (ahead * MINUTE / per_minute if per_minute else 0)
    if not durations:
        return round(for_rate) if for_rate else None
    ends_awaited = max(0, ahead + 1 - max(0, places - running))
    for_places = ends_awaited * median(durations) / places
    return round(max(for_places, for_rate))
