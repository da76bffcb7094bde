"""Pausing: nothing new is begun in a tier, or anywhere, until a person resumes it; what is at work goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.errors import UsageMistake
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.rules.latches import is_pause, latch_of_key, latch_of_tier, pause_of
from koubou.rules.session import recovery_of
from koubou.steps.breaker import forget
from koubou.steps.shop import Shop


def pause(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Begin nothing new; `at_work` is how many calls are still under way there."""
    tier = _tier(shop, asked)
    reason = str(asked.arguments.get("reason") or "").strip()[:1_000] or f"asked for by {asked.caller.actor}"
    where = tier or "everything"
    if shop.board.crew.latch(pause_of(tier), reason, now):
        shop.board.history.add(None, "system.paused", f"{where}: {reason}", now, asked.caller)
        shop.say("system.paused", "warning", tier=tier, actor=asked.caller.actor)
        shop.board.tasks.leave_asides(tier, now)
    return {"paused": where, "at_work": _at_work(shop, tier)}


def resume(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    """Let it go on, also a tier that was set aside for its key or its credit."""
    tier = _tier(shop, asked)
    latches = [pause_of(tier)] if tier is None else [pause_of(tier), latch_of_key(tier), latch_of_tier(tier)]
    lifted = [latch for latch in latches if shop.board.crew.unlatch(latch)]
    if tier is not None:
        recovered = recovery_of(shop.tiers[tier], shop.circuits)
        ailing = [name for name in lifted if not is_pause(name)] + forget(shop, shop.tiers[tier])
        if ailing:
            shop.say(recovered, tier=tier, reason=f"well again, says {asked.caller.actor}")
        lifted += [name for name in ailing if name not in lifted]
    for latch in lifted:
        shop.board.history.add(None, "system.resumed", latch, now, asked.caller)
        shop.say("system.resumed", "warning", latch=latch, actor=asked.caller.actor)
    shop.reroute(now)
    return {"resumed": lifted}


def _tier(shop: Shop, asked: Asked) -> str | None:
    tier = asked.arguments.get("tier")
    if tier is not None and tier not in shop.tiers:
        raise UsageMistake(f"there is no such tier; the tiers are {', '.join(shop.tiers)}")
    return tier


def _at_work(shop: Shop, tier: str | None) -> int:
    taken = shop.board.runs.open_count()
    benches = {bench.worker: bench.tier for bench in shop.benches}
    return sum(count for worker, count in taken.items() if tier is None or benches.get(worker) == tier)
