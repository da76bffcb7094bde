"""When does what was kept go? Times of the settings in, moments out; and may a task go at all?"""

from __future__ import annotations

from koubou.model.instant import Instant, Milliseconds
from koubou.model.retention import NEVER, Cutoffs, Retention
from koubou.model.status import ENDS, Status


def cutoffs(retention: Retention, now: Instant) -> Cutoffs:
    """What ended before these moments goes."""
    return Cutoffs(
        completed=_before(retention.completed, now),
        failed=_before(retention.failed, now),
        confidential=_before(retention.confidential, now),
        runs=_before(retention.runs, now),
        ids=_before(retention.ids, now),
        rejected=_before(retention.rejected, now),
    )


def older_than(age: Milliseconds, retention: Retention, now: Instant) -> Cutoffs:
    """A person wants everything older than `age` gone; what the settings let go sooner goes all the same. Ids stay."""
    least = now - age
    usual = cutoffs(retention, now)
    return Cutoffs(
        completed=max(least, usual.completed),
        failed=max(least, usual.failed),
        confidential=max(least, usual.confidential),
        runs=max(least, usual.runs),
        ids=usual.ids,
        rejected=max(least, usual.rejected),
    )


def why_not(status: Status, outcome: Status | None, *, needed_by: str | None, held: bool) -> str | None:
    """Why nothing of a task may be removed now; None when it may."""
    if status not in ENDS:
        return f"has not ended: it is {f'being filed as {outcome}' if outcome else status}"
    if needed_by is not None:
        return f"is needed by task {needed_by}, which has not ended"
    if held:
        return "has money held for a call whose end is not known yet"
    return None


def look_every(retention: Retention, least: Milliseconds, most: Milliseconds) -> Milliseconds:
    """How often it is worth to look: a tenth of the shortest time, within bounds."""
    times = [time for time in _times(retention) if time is not None]
    return max(least, min(most, min(times, default=most) // 10))


def _before(time: Milliseconds | None, now: Instant) -> Instant:
    return NEVER if time is None else now - time


def _times(retention: Retention) -> tuple[Milliseconds | None, ...]:
    return (
        retention.completed,
        retention.failed,
        retention.confidential,
        retention.runs,
        retention.ids,
        retention.rejected,
    )
