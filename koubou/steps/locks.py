"""Locks are taken all or none with a place, and are free when the run ends; who waits for one stands in its line.

Whoever is at work waits for no lock, and in every line the ripest comes first: so nobody waits in a circle, and nobody
waits for ever. A run that is to be made again gives its locks up meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

from koubou.model.instant import Instant
from koubou.model.status import Park, ParkReason
from koubou.model.task import Task
from koubou.rules.latches import is_paused
from koubou.steps.shop import Shop


def has_locks_free(shop: Shop, task: Task, now: Instant) -> bool:
    """Whether a task may have all the locks that it wants; else it is parked in the line for them."""
    way = shop.board.queue.in_the_way(task, _open_tiers(shop))
    if way is None:
        return True
    detail = f"waits for a lock that {'a task at work has' if way.held else 'a riper task waits for'}"
    shop.board.tasks.parked(task, Park(reason=ParkReason.DEPENDENCY, detail=detail), now)
    shop.board.queue.line_up(task)
    shop.note(task, "task.parked", detail, now, park=str(ParkReason.DEPENDENCY))
    return False


def wake_for_locks(shop: Shop, now: Instant) -> int:
    """Let go on who comes first in a line and has all of his locks free; return how many."""
    tiers = _open_tiers(shop)
    woken = 0
    for seq in shop.board.queue.first_in_line(tiers):
        if shop.board.queue.in_the_way(shop.board.tasks.at(seq), tiers) is None:
            shop.board.tasks.unparked(seq, now)
            woken += 1
    return woken


def _open_tiers(shop: Shop) -> Collection[str]:
    """The tiers in which a task may start: who waits in another keeps nobody from a lock."""
    latches, crews = shop.board.crew.latches(), {bench.tier for bench in shop.benches}
    return [
        tier.name
        for tier in shop.tiers.values()
        if tier.unfit is None and tier.name in crews and not is_paused(tier.name, latches)
    ]
