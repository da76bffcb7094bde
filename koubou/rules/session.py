"""The session of an agent's tier: over when its login or key is refused often in a row; looked at until it is well.

It is kept in the circuit of the tier's key: each run that is refused counts against it, each answer for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from koubou.model.circuit import BreakerRules, Circuit, CircuitState
from koubou.model.instant import MINUTE
from koubou.model.tier import Tier
from koubou.rules.breaker import as_resting, circuit_of_key
from koubou.rules.latches import as_latched

SESSION = BreakerRules(in_a_row=3, of_last=3, share=1.0, wait=5 * MINUTE, longest_wait=5 * MINUTE, successes=1)
"""A refusal may pass by itself; where a person must renew the login, asking more often helps nobody."""

TIMEOUT = "session_timeout"
"""What the guardian is told, by this name."""


def rules_of(circuit: str, tiers: Mapping[str, Tier], rules: BreakerRules) -> BreakerRules:
    """When this circuit opens and how it closes: as a session, or by the `rules` of all others."""
    return SESSION if any(_is_session(circuit, tier) for tier in tiers.values()) else rules


def has_ended(tier: Tier, circuits: Mapping[str, Circuit]) -> bool:
    """Whether a tier of agents is stopped because its login or key is refused."""
    circuit = circuits.get(circuit_of_key(tier.name))
    return tier.metered and circuit is not None and circuit.state is CircuitState.OPEN


def recovery_of(tier: Tier, circuits: Mapping[str, Circuit]) -> str:
    """The event when this tier's key is taken again: of a session only where it was over."""
    circuit = circuits.get(circuit_of_key(tier.name))
    was_over = tier.metered and circuit is not None and circuit.opened_at is not None
    return "session.recovered" if was_over else "tier.recovered"


def as_offered(
    tiers: Mapping[str, Tier], latches: Mapping[str, str], circuits: Mapping[str, Circuit]
) -> Mapping[str, Tier]:
    """The tiers as they can be offered: one that is stopped, frozen or left alone says so. `latches` are reasons."""
    watched = {name: _as_watched(tier, circuits) for name, tier in tiers.items()}
    return as_resting(as_latched(watched, latches), circuits)


def _as_watched(tier: Tier, circuits: Mapping[str, Circuit]) -> Tier:
    """It rests: unlike one whose credit is used up, it is looked at again by itself."""
    if tier.unfit is not None or not has_ended(tier, circuits):
        return tier
    reason = circuits[circuit_of_key(tier.name)].reason
    look = f"it is looked at every {SESSION.wait // MINUTE} minutes, and when its issue is closed"
    renew = f"renew its login or key, or koubou resume {tier.name}"
    return replace(tier, unfit=f"its session is over: {reason}; {look}; {renew}", rests=True)


def _is_session(circuit: str, tier: Tier) -> bool:
    return tier.metered and circuit == circuit_of_key(tier.name)
