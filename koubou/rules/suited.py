"""Agents and the tasks that suit them: whose agent a task is for, and who may not have what is confidential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from koubou.model.routing import Routing
from koubou.model.task import PRIORITIES, Difficulty, Task
from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS

HYBRID = "hybrid"
"""The executor that runs several agents side by side."""
IN_A_FOLDER = ("codex", "claude", HYBRID)
"""Agents that are of no use where there is nothing to work on; a command may be a plain program that answers."""


class Suited(Struct, frozen=True, kw_only=True):
    """A tier whose agent suits a task, and by which rule."""

    tier: str
    rule: str
    why: str


def suited(task: Task, tiers: Mapping[str, Tier], routing: Routing, *, works: bool) -> Iterator[Suited]:
    """The tiers whose agent the task asks for, or is for by its type; `works` says that it names a folder to work in.

    Of several by the same executor that of its level comes first: the settings name the strongest first.
    """
    if task.asked_tier is not None:
        return
    if task.executor is not None:
        if task.executor.startswith(AGENTS):
            for name in _of(task.executor, task, tiers):
                yield Suited(tier=name, rule="executor", why=f"the task asks for {task.executor}: {name}")
        return
    if not works:
        return
    if task.type in routing.hybrid and (critical := _why_critical(task)) is not None:
        for name in _of(HYBRID, task, tiers):
            yield Suited(tier=name, rule="hybrid", why=f"{task.type} in a workspace, {critical}, goes to {name}")
    executor = routing.backends.get(task.type)
    for name in _of(executor, task, tiers) if executor is not None else ():
        yield Suited(tier=name, rule="backend", why=f"{task.type} in a workspace goes to {executor}: {name}")


def may_need_a_folder(task: Task, tiers: Mapping[str, Tier]) -> bool:
    """Whether its tier depends on a folder that it may name: not where it says itself who is to work on it."""
    asks = task.asked_tier is not None or task.executor is not None
    return not asks and any(tier.executor.startswith(AGENTS) for tier in tiers.values())


def why_idle(task: Task, tier: Tier, *, works: bool) -> str | None:
    """Why a tier that nobody named for this task is of no use to it; None where it is."""
    named = tier.name == task.asked_tier or tier.executor == task.executor
    idle = tier.executor in IN_A_FOLDER and not works and not named
    return f"{tier.name} works in a folder, and the task names none" if idle else None


def why_open(tier: Tier) -> str | None:
    """Why a tier's agent may carry out of the house what it reads; None where its sandbox keeps it, or it has none.

    Asked by route, and once more when the task is handed to a worker.
    """
    open_ones = [each.name for each in (tier, *tier.members) if each.agent is not None and not each.agent.sandbox]
    return f"{', '.join(open_ones)} runs without a sandbox" if open_ones else None


def _of(executor: str, task: Task, tiers: Mapping[str, Tier]) -> Sequence[str]:
    names = [name for name, tier in tiers.items() if tier.executor == executor]
    if not names:
        return ()
    of_its_level = {Difficulty.HIGH: names[0], Difficulty.LOW: names[-1]}
    first = of_its_level.get(task.difficulty or Difficulty.MEDIUM, names[min(1, len(names) - 1)])
    return (first, *(name for name in names if name != first))


def _why_critical(task: Task) -> str | None:
    if task.requires_high_capability:
        return "critical (requires_high_capability)"
    return "critical (urgent)" if task.priority >= PRIORITIES["urgent"] else None
