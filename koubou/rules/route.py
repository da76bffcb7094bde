"""Which tier takes a task: secrecy first, then wishes, then difficulty, then what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from koubou.model.decision import Reason, Refused, Routed
from koubou.model.status import Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity, Task
from koubou.model.tier import Reach, Tier


def choose_tier(
    task: Task, tiers: Mapping[str, Tier], routing: Mapping[Difficulty, str], scarce: str | None = None
) -> Routed | Park | Refused:
    """The first tier on the task's way that may have it and can take it; parked where that may change, else refused.

    `scarce` says why money is scarce: then the cheapest of them comes first, unless the task asks for a tier by name.
    """
    reasons: list[Reason] = []
    blocked_by_failure: list[str] = []
    for name, rule, why in _candidates(task, tiers, routing, scarce):
        tier = tiers[name]
        if name in task.given_up:
            blocked_by_failure.append(name)
            reasons.append(Reason(rule="fallback", reason=f"{name} was tried in vain"))
            continue
        obstacle = _obstacle(task, tier)
        if obstacle is None:
            return Routed(tier=name, reasons=(*reasons, Reason(rule=rule, reason=why)))
        reasons.append(obstacle)
    told = "; ".join(reason.reason for reason in reasons) or "no tier is set up"
    if blocked_by_failure:
        return Refused(
            kind="no_tier",
            reason=f"no tier is left: {told}",
            remedy="koubou retry ID once the cause is mended",
            retryable=True,
        )
    if _is_secret(task):
        detail = f"confidential, and no local tier can take it: {told}"
        return Park(reason=ParkReason.SECRECY, detail=detail)
    return Park(reason=ParkReason.TIER, detail=told)


def _candidates(
    task: Task, tiers: Mapping[str, Tier], routing: Mapping[Difficulty, str], scarce: str | None
) -> Iterator[tuple[str, str, str]]:
    """Names of tiers in the order in which they are to be tried, each once, with the rule that names it."""
    seen: set[str] = set()
    wanted = list(_wanted(task, tiers, routing))
    if scarce is not None and task.asked_tier is None:
        wanted = _cheapest_first(wanted, tiers, routing, scarce)
    if task.window_over is not None:
        larger = sorted(tiers.values(), key=lambda tier: tier.context_tokens)
        wanted += [(tier.name, "window", f"{tier.name} takes {tier.context_tokens:,} tokens") for tier in larger]
    if _is_secret(task):
        local = (name for name, tier in tiers.items() if tier.reach is Reach.LOCAL)
        wanted += [(name, "secrecy", f"confidential: {name} is local") for name in local]
    for name, rule, why in wanted:
        if name in tiers and name not in seen:
            seen.add(name)
            yield name, rule, why


def _wanted(task: Task, tiers: Mapping[str, Tier], routing: Mapping[Difficulty, str]) -> Iterator[tuple[str, str, str]]:
    difficulty = task.difficulty or Difficulty.MEDIUM
    if task.requires_high_capability and difficulty is Difficulty.LOW:
        difficulty = Difficulty.MEDIUM
    if task.asked_tier is not None:
        first, rule, why = task.asked_tier, "asked", f"the task asks for {task.asked_tier}"
    else:
        first = routing[difficulty]
        rule, why = "difficulty", f"difficulty {difficulty} goes to {first}"
    yield first, rule, why
    walked = {first}
    name: str | None = first
    while name is not None and name in tiers:
        name = tiers[name].fallback
        if name is None or name in walked:
            return
        walked.add(name)
        yield name, "fallback", f"next in the chain after {first}: {name}"


def _cheapest_first(
    wanted: Sequence[tuple[str, str, str]], tiers: Mapping[str, Tier], routing: Mapping[Difficulty, str], scarce: str
) -> list[tuple[str, str, str]]:
    """The way that the task would go, and the tier of easy work, by what they charge for an answer."""
    easy = routing[Difficulty.LOW]
    names = {name for name, _, _ in wanted}
    ways = [*wanted] if easy in names else [*wanted, (easy, "thrift", f"easy work goes to {easy}")]
    known = [(name, rule, why) for name, rule, why in ways if name in tiers]
    first, _, _ = wanted[0]
    return [
        (name, rule, why) if name == first else (name, "thrift", f"{scarce}: cheaper tiers first")
        for name, rule, why in sorted(known, key=lambda way: _answer_rate(tiers[way[0]]))
    ]


def _answer_rate(tier: Tier) -> int:
    """What a million tokens of answer cost; a tier without a price comes last, and is not offered anyway."""
    return tier.price.base.output if tier.price is not None else 1 << 62


def _obstacle(task: Task, tier: Tier) -> Reason | None:
    """What keeps this task from this tier, or None."""
    if _is_secret(task) and tier.reach is not Reach.LOCAL:
        return Reason(rule="secrecy", reason=f"{tier.name} is not local, and the task is confidential")
    if task.window_over is not None and tier.context_tokens <= task.window_over:
        return Reason(
            rule="window", reason=f"it is too long for {tier.name}, which takes {tier.context_tokens:,} tokens"
        )
    if tier.unfit is not None:
        return Reason(rule="availability", reason=f"{tier.name} is not offered: {tier.unfit}")
    if task.executor is not None and task.executor != tier.executor:
        return Reason(rule="executor", reason=f"{tier.name} works by {tier.executor}, the task asks for another")
    return None


def _is_secret(task: Task) -> bool:
    """What nobody has judged yet counts as confidential."""
    return task.sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)
