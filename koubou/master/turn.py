"""One turn: what was heard and the time go in, one transaction decides, deeds for the world come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou import crash
from koubou.board.board import Board
from koubou.master.workshop import Workshop
from koubou.model.deed import Deed
from koubou.model.heard import Heard
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.model.worker import Bench
from koubou.steps import STEPS, Shop

BATCH = 64
"""How many tasks a step takes on in one turn: about 5 ms of deciding, and one fsync for all of them."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a turn left to be done, and whether another should follow at once."""

    deeds: Sequence[Deed]
    replies: Mapping[int, Mapping[str, Any]]
    moved: int
    next_wake: Instant | None


def turn(
    board: Board,
    workshop: Workshop,
    *,
    tiers: Mapping[str, Tier],
    benches: Sequence[Bench],
    heard: Sequence[Heard],
    now: Instant,
    new_id: Callable[[], str],
    chance: Callable[[], float],
) -> Outcome:
    """Decide and write in one transaction. Raises BoardUnavailable; then nothing was written and nothing is owed."""
    with board.transaction():
        shop = Shop(
            board=board,
            tiers=tiers,
            routing=workshop.routing,
            budget=workshop.budget,
            benches=benches,
            heard=heard,
            new_id=new_id,
            chance=chance,
            batch=BATCH,
            breaker=workshop.breaker,
            audience=workshop.guardian.audience,
            retention=workshop.retention,
            policy=workshop.intake.policy,
            access=workshop.access,
            notify=workshop.notify,
        )
        moved = sum(step(shop, now) for step in STEPS)
        wakes = [at for at in (board.tasks.next_wake(), shop.wake_at) if at is not None]
        if moved:
            crash.at("turn.before_commit")
    if moved:
        crash.at("turn.committed")
    return Outcome(deeds=shop.deeds, replies=shop.replies, moved=moved, next_wake=min(wakes, default=None))
