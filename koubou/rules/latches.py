"""What stops until a person says otherwise: the whole workshop, or one model that billed more than was held."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from koubou.model.tier import Tier

EMERGENCY = "emergency"
PAUSE = "pause"
KEY = "key:"


def latch_of_model(model: str) -> str:
    """The name of the latch that freezes a model."""
    return f"model:{model}"


def latch_of_tier(tier: str) -> str:
    """The name of the latch that pauses a tier."""
    return f"tier:{tier}"


def latch_of_key(tier: str) -> str:
    """The name of the latch of a tier whose key, or the credit behind it, is no good; a reload lifts it."""
    return f"{KEY}{tier}"


def pause_of(tier: str | None) -> str:
    """The name of the latch by which a person pauses a tier, or everything."""
    return PAUSE if tier is None else f"{PAUSE}:{tier}"


def is_pause(latch: str) -> bool:
    """Whether a latch is a person's pause, which only `koubou resume` ends."""
    return latch == PAUSE or latch.startswith(f"{PAUSE}:")


def is_paused(tier: str, latches: Mapping[str, str]) -> bool:
    """Whether nothing new is begun in a tier: its tasks wait there."""
    return PAUSE in latches or pause_of(tier) in latches


def stops_tier(latch: str, tier: str | None) -> bool:
    """Whether a latch keeps the tasks of a tier waiting where they are; None = those that have none yet."""
    return latch in (EMERGENCY, PAUSE) or (tier is not None and latch == pause_of(tier))


def ended_by(latch: str) -> str:
    """The command that lifts a latch."""
    kind, _, name = latch.partition(":")
    if kind == PAUSE or latch.startswith(KEY):
        return f"koubou resume {name}".rstrip()
    return "koubou budget resume --reason …"


def as_latched(tiers: Mapping[str, Tier], latches: Mapping[str, str]) -> Mapping[str, Tier]:
    """The tiers as they can be offered: one that is paused or frozen says so. `latches` are reasons by name."""
    if not latches.keys() - {EMERGENCY, PAUSE}:
        return tiers
    return {name: _as_latched(tier, latches) for name, tier in tiers.items()}


def _as_latched(tier: Tier, latches: Mapping[str, str]) -> Tier:
    if tier.unfit is None:
        resume, mend = "koubou budget resume --reason … lets it go on", f"mend it, then koubou resume {tier.name}"
        for latch, what, remedy in (
            (latch_of_model(tier.model), f"{tier.model} is frozen", resume),
            (latch_of_tier(tier.name), "paused", resume),
            (latch_of_key(tier.name), "its key or credit is refused", mend),
        ):
            if latch in latches:
                return replace(tier, unfit=f"{what}: {latches[latch]}; {remedy}")
    return tier
