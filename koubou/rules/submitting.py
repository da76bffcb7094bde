"""What a submitter may ask for: whose bounds hold for him, what is beyond them, and what a task carries of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce

from msgspec.structs import asdict, replace

from koubou.model.access import Access
from koubou.model.money import show_usd
from koubou.model.request_json import bounds_to_json, budget_from_json
from koubou.model.task import PRIORITIES, UNBOUND, Bounds, NewTask, TaskBudget


def bounds_of(uid: int, groups: Collection[int], access: Access) -> Bounds:
    """His own where he is named himself; else those of all his groups together; else those of everybody else."""
    if uid in access.user_bounds:
        return access.user_bounds[uid]
    of_groups = [bounds for group, bounds in sorted(access.group_bounds.items()) if group in groups]
    return reduce(stricter, of_groups) if of_groups else access.other_bounds


def stricter(one: Bounds, other: Bounds) -> Bounds:
    """What both allow."""
    ours, theirs = asdict(one.budget), asdict(other.budget)
    return Bounds(
        tiers=_common(one.tiers, other.tiers),
        executors=_common(one.executors, other.executors),
        priority=_least(one.priority, other.priority),
        budget=TaskBudget(**{name: _least(ours[name], theirs[name]) for name in ours}),
    )


def beyond_bounds(new: NewTask, bounds: Bounds) -> str | None:
    """What a task asks for that its owner may not have, in words; None where it asks for nothing of that."""
    if bounds == UNBOUND:
        return None
    if bounds.tiers is not None and new.asked_tier is not None and new.asked_tier not in bounds.tiers:
        return f"you may not use tier {new.asked_tier}, but {_listed(bounds.tiers)}"
    if bounds.executors is not None and new.executor is not None and new.executor not in bounds.executors:
        return f"you may not use executor {new.executor}, but {_listed(bounds.executors)}"
    if bounds.priority is not None and new.priority > max(bounds.priority, PRIORITIES["normal"]):
        return f"you may not ask for priority {new.priority}, but for {bounds.priority} at most"
    asked, allowed = asdict(budget_from_json(new.budget)), asdict(bounds.budget)
    for name, most in allowed.items():
        if most is not None and asked[name] is not None and asked[name] > most:
            return f"you may not ask for a budget of more than {_amount(name, most)} a task"
    return None


def bound(new: NewTask, bounds: Bounds) -> NewTask:
    """The task with its bounds; one that says nothing of its priority gets no higher one than its owner may ask for."""
    if bounds == UNBOUND:
        return new
    priority = new.priority if bounds.priority is None else min(new.priority, bounds.priority)
    return replace(new, bounds=bounds_to_json(bounds), priority=priority)


def _common(one: Sequence[str] | None, other: Sequence[str] | None) -> tuple[str, ...] | None:
    if one is None:
        return None if other is None else tuple(other)
    return tuple(one) if other is None else tuple(name for name in one if name in other)


def _least(one: int | None, other: int | None) -> int | None:
    known = [amount for amount in (one, other) if amount is not None]
    return min(known, default=None)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _amount(name: str, most: int) -> str:
    match name:
        case "cost":
            return show_usd(most)
        case "time":
            return f"{most / 1000:g} s"
    return f"{most:,} {name.replace('_', ' ')}"
