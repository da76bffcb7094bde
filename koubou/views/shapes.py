"""The JSON shapes of accounts, workers and tiers that other programs rely on: names are added, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.board.reading import Seen
from koubou.model.account import Account
from koubou.model.budget import LimitByHand
from koubou.model.instant import iso, iso_or_none
from koubou.model.money import Nano, usd


def account_shape(account: Account) -> dict[str, Any]:
    """How a limit stands; USD for people, whole nano-dollars for those who add up."""
    head = {
        "name": account.name,
        "dimension": account.dimension,
        "reopens_at": iso_or_none(account.reopens),
    }
    if account.dimension != "usd":
        names = ("limit", "settled", "held", "left", "added")
        return {**head, **{name: getattr(account, name) for name in names}}
    return {
        **head,
        "limit_usd": _usd(account.limit),
        "ceiling_usd": _usd(account.ceiling),
        "settled_usd": usd(account.settled),
        "held_usd": usd(account.held),
        "left_usd": _usd(account.left),
        "over_usd": usd(account.over),
        "added_usd": usd(account.added),
        "unreconciled_usd": usd(account.unreconciled),
        "limit_nusd": account.limit,
        "settled_nusd": account.settled,
        "held_nusd": account.held,
        "left_nusd": account.left,
    }


def by_hand_shape(limit: LimitByHand) -> dict[str, Any]:
    """A limit that a person set in place of the settings; null is none."""
    amount = {"limit": limit.amount} if limit.dimension != "usd" else {"limit_usd": _usd(limit.amount)}
    head = {"scope": limit.scope, "dimension": limit.dimension, **amount}
    return {**head, "by": limit.actor, "reason": limit.reason, "at": iso(limit.at)}


def worker_shape(worker: Seen) -> dict[str, Any]:
    """One worker, by incarnation."""
    return {
        "worker": worker.id,
        "tier": worker.tier,
        "model": worker.model,
        "pid": worker.pid,
        "status": worker.status,
        "running": worker.running,
        "last_heartbeat": iso(worker.last_beat),
        "created_at": iso(worker.created_at),
        "ended_at": iso_or_none(worker.ended_at),
        "end_reason": worker.end_reason,
    }


def tier_shape(said: Mapping[str, Any], queued: int, running: int, places: int) -> dict[str, Any]:
    """A tier as `status` gives it: `said` is what the master told of it, empty where nobody serves."""
    return {
        "breaker": None,
        "unfit": None,
        "opens_at": None,
        "looked_at": None,
        "queued": queued,
        "running": running,
        "places": places,
        **said,
    }


def _usd(amount: Nano | None) -> float | None:
    return None if amount is None else usd(amount)
