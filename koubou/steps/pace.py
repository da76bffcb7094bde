"""How fast tiers may be asked: their own rate, what a provider asked for, and one at a time where one comes back."""

from __future__ import annotations

from koubou.model.circuit import CircuitState
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.rules.breaker import circuits_of, opens_at, state_of
from koubou.rules.rate import limits_of, next_due
from koubou.steps.shop import Shop


def open_at(shop: Shop, tier: Tier, now: Instant, tokens: int = 0) -> Instant:
    """The earliest moment at which a call of so many tokens may be sent; now or earlier where it may be at once."""
    return opens_at(tier, shop.circuits, shop.board.ledger.rate_due, now, tokens)


def take(shop: Shop, tier: Tier, tokens: int, now: Instant) -> None:
    """A call of so many tokens is sent."""
    for dimension, weight, per_minute in limits_of(tier, tokens):
        due = shop.board.ledger.rate_due(tier.name, dimension)
        shop.board.ledger.set_rate_due(tier.name, dimension, next_due(now * 1000, due, weight, per_minute))


def is_being_tried(shop: Shop, tier: Tier) -> bool:
    """Whether a circuit of a tier that comes back has a call under way that was begun since it does."""
    under_way = [run for _, run in shop.board.runs.open()]
    for circuit in (shop.circuits[name] for name in circuits_of(tier) if name in shop.circuits):
        behind = {other.name for other in shop.tiers.values() if circuit.name in circuits_of(other)}
        if circuit.state is CircuitState.HALF_OPEN and any(
            run.tier in behind and run.admitted_at >= circuit.changed_at for run in under_way
        ):
            return True
    return False


def is_half_open(shop: Shop, tier: Tier) -> bool:
    """Whether a tier is coming back: it gets one call at a time."""
    return state_of(tier, shop.circuits) is CircuitState.HALF_OPEN
