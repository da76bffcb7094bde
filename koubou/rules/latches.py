"""What stops until a person says otherwise: the whole workshop, or one model that billed more than was held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from koubou.model.tier import Tier

EMERGENCY = "emergency"


def latch_of_model(model: str) -> str:
    """The name of the latch that freezes a model."""
    return f"model:{model}"


def as_latched(tiers: Mapping[str, Tier], latches: Mapping[str, str]) -> Mapping[str, Tier]:
    """The tiers as they can be offered: one whose model is frozen says so. `latches` are reasons by name."""
    if not any(latch_of_model(tier.model) in latches for tier in tiers.values()):
        return tiers
    return {
        name: replace(
            tier,
            unfit=f"{tier.model} is frozen: {latches[latch_of_model(tier.model)]}; "
            "koubou budget resume --reason … lets it go on",
        )
        if latch_of_model(tier.model) in latches and tier.unfit is None
        else tier
        for name, tier in tiers.items()
    }
