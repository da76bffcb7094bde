"""From settings to how work is given out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from koubou.config.settings import Settings
from koubou.model.circuit import BreakerRules
from koubou.model.phase import Lesser
from koubou.model.routing import Judge, Routing

_EACH_OTHER: Mapping[str, str] = MappingProxyType({"codex": "claude", "claude": "codex"})


def routing_of(settings: Settings) -> Routing:
    """Which tier serves which difficulty, who judges, and what is done where a tier cannot."""
    asked, judge = settings.routing, settings.judge
    return Routing(
        tiers=asked.by_difficulty,
        patience=asked.patience,
        difficulty_judge=asked.judge,
        judge=Judge(tier=judge.tier, threshold=judge.threshold, types=frozenset(judge.types)),
        on_lesser={task_type: Lesser(policy) for task_type, policy in asked.on_lesser_tier.items()},
        backends=_backends(settings),
        hybrid=frozenset(asked.hybrid_types),
    )


def _backends(settings: Settings) -> dict[str, str]:
    """By type: the executor of work in a folder; where no tier has the one of the two agents, the other stands in."""
    there = {tier.executor for tier in settings.tiers.values()}
    stands_in = {executor: other for executor, other in _EACH_OTHER.items() if executor not in there and other in there}
    wished = settings.routing.backends.items()
    return {kind: stands_in.get(executor, executor) for kind, executor in wished if executor is not None}


def breaker_of(settings: Settings) -> BreakerRules:
    """When a tier is left alone, and how it comes back."""
    asked = settings.breaker
    return BreakerRules(
        in_a_row=asked.in_a_row,
        of_last=asked.of_last,
        share=asked.share,
        wait=asked.wait,
        longest_wait=max(asked.wait, asked.longest_wait),
        successes=asked.successes,
    )
