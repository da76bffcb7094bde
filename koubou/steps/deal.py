"""Choose who gets a tier's next places: the ripest, as far as submitters and sessions leave one another a share."""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.task import Task
from koubou.rules.fairness import Standing, deal
from koubou.steps.shop import Shop


def next_in(shop: Shop, tier: str, free: int) -> Sequence[Task]:
    """The tasks that are to have a tier's free places, in this order."""
    queue = shop.board.queue
    places = sum(bench.room for bench in shop.benches if bench.tier == tier)
    owners = queue.waiting_owners(tier, places + 1)
    sessions = queue.waiting_sessions(tier, places + 1) if owners else []
    if len(owners) < 2 and not sessions:
        return shop.board.tasks.due_for_tier(tier, free)
    standing = Standing(places=places, waiting_owners=owners, waiting_sessions=sessions, at_work=queue.taken(tier))
    return [shop.board.tasks.at(one.seq) for one in deal(standing, free, lambda wish: queue.ripest(tier, wish))]
