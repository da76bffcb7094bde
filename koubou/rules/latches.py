"""What stops until a person says otherwise: the whole workshop, or one model that billed more than was held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from koubou.model.tier import Tier

EMERGENCY = "emergency"


def latch_of_model(model: str) -> str:
    """The name of the latch that freezes a model."""
    return f"model:{model}"


def latch_of_tier(tier: str) -> str:
    """The name of the latch that pauses a tier."""
    return f"tier:{tier}"


def as_latched(tiers: Mapping[str, Tier], latches: Mapping[str, str]) -> Mapping[str, Tier]:
    """The tiers as they can be offered: one that is paused or frozen says so. `latches` are reasons by name."""
    if not latches.keys() - {EMERGENCY}:
        return tiers
    return {name: _as_latched(tier, latches) for name, tier in tiers.items()}


def _as_latched(tier: Tier, latches: Mapping[str, str]) -> Tier:
    if tier.unfit is None:
        for latch, what in (
            (latch_of_model(tier.model), f"{tier.model} is frozen"),
            (latch_of_tier(tier.name), "paused"),
        ):
            if latch in latches:
                remedy = "koubou budget resume --reason … lets it go on"
                return replace(tier, unfit=f"{what}: {latches[latch]}; {remedy}")
    return tier
