"""What follows from how the accounts stand after a fact: levels that are told once, pauses, the emergency stop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from koubou.model.access import WORKSHOP, Caller
from koubou.model.account import Account, Dimension
from koubou.model.deed import CancelRun
from koubou.model.instant import Instant
from koubou.model.money import Nano, show_usd
from koubou.rules.admit import show_amount
from koubou.rules.latches import EMERGENCY, latch_of_tier
from koubou.rules.levels import UNKNOWN_BORNE, is_emergency, newly_reached, too_much_is_unknown
from koubou.rules.limits import AGENTS
from koubou.steps.shop import Shop

_LEFT_TO_DO = {70: "cheaper tiers come first for it", 90: "what exists is kept with its runs"}


def watch(shop: Shop, accounts: Iterable[Account], now: Instant) -> None:
    """Look at accounts that a fact has moved."""
    for account in accounts:
        level = newly_reached(account)
        if level is not None:
            shop.board.ledger.note_level(account.key, level)
            _tell_level(shop, account, level, now)
        if account.name.startswith("month:") and is_emergency(account, shop.budget.emergency_at):
            reason = f"{account.name} stands at {account.percent} % of its limit of {show_usd(account.limit or 0)}"
            stop_everything(shop, reason, now)


def stop_everything(
    shop: Shop, reason: str, now: Instant, by: Caller = WORKSHOP, kind: str = "emergency", told: str | None = None
) -> None:
    """Let the emergency latch fall, if it has not; the guardian is told `told` where the reason is private."""
    if shop.board.crew.latch(EMERGENCY, reason, now):
        shop.board.history.add(None, "emergency.stop", reason, now, by)
        shop.say("emergency.stop", "error", reason=reason, actor=by.actor)
        shop.alert(kind, EMERGENCY, now, reason=told or reason)
        if shop.budget.stop_agents:
            _stop_agents(shop)


def _stop_agents(shop: Shop) -> None:
    """A call on the wire is paid for and finishes; an agent would go on to the next. Its task is tried again later."""
    for task_id, run in shop.board.runs.open():
        tier = shop.tiers.get(run.tier)
        if tier is not None and tier.executor.startswith(AGENTS):
            shop.deeds.append(CancelRun(task_id=task_id, run=run.number, worker=run.worker))


def watch_the_unknown(shop: Shop, accounts: Iterable[Account], tier: str, newly: Nano, now: Instant) -> None:
    """Pause a tier of whose calls too much is unknown: its provider may bill what nobody has seen."""
    for account in accounts:
        if not account.name.startswith(f"tier:{tier}:month:") or account.dimension != Dimension.USD:
            continue
        limit = months_limit(shop, now)
        if too_much_is_unknown(account.unreconciled, newly, limit):
            reason = (
                f"{show_usd(account.unreconciled)} of {tier} are unreconciled, more than {UNKNOWN_BORNE} % of the "
                "month's limit: koubou budget reconcile with the provider's export"
            )
            if shop.board.crew.latch(latch_of_tier(tier), reason, now):
                shop.reroute(now)
                shop.say("tier.degraded", "error", tier=tier, reason=reason)
                shop.alert("tier_paused", latch_of_tier(tier), now, tier=tier, reason=reason)


def months_limit(shop: Shop, now: Instant) -> Nano | None:
    """The limit of this month, with what a person gave on top."""
    limit = shop.limits.month(now)
    account = shop.board.ledger.account(*limit.key)
    return limit.limit if account is None else account.limit


def _tell_level(shop: Shop, account: Account, level: int, now: Instant) -> None:
    name, dimension = account.key
    used = show_amount(account.settled, dimension)
    reason = f"{name} is {account.percent} % used: {used} of {show_amount(account.limit or 0, dimension)}"
    fields: dict[str, Any] = {
        "account": name,
        "dimension": str(dimension),
        "reached": level,
        "percent": account.percent,
    }
    task = shop.board.tasks.get(name.removeprefix("task:")) if name.startswith("task:") else None
    if task is None:
        shop.say("usage.threshold", "warning", reason=reason, **fields)
    else:
        told = f"{reason}; {_LEFT_TO_DO[level]}" if level in _LEFT_TO_DO else reason
        shop.note(task, "usage.threshold", told, now, **fields)
