"""Which tier takes a task: secrecy first, then wishes, then difficulty, then money, then what is there.

The way is walked in one order, and each tier on it that is passed over leaves its reason:

    secrecy      a confidential task sees local tiers only, and no agent without a sandbox
    bounds       the tiers and executors that its owner may use (`security.bounds`), whoever names another
    agents       the agent that it asks for, or that its type is for where it names a folder to work in
    difficulty   the tier of its level; or the one that it asks for, or to which bad work has sent it
    thrift       where money is scarce, what is not hard goes to a cheaper tier first
    availability its key, its breaker, its model; and whether it failed this very task
    window       what is surely too long for its model
    rate         a tier that may not be asked for long is passed over, for a short time it is waited for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from koubou.model.decision import Reason, Refused, Routed
from koubou.model.instant import Instant, iso
from koubou.model.phase import Lesser
from koubou.model.routing import Routing
from koubou.model.status import Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity, Task
from koubou.model.tier import Reach, Tier
from koubou.rules.suited import suited, why_idle, why_open

LONGEST_TOKEN = 16
"""Bytes of text that a token covers at most on the whole, to tell what is surely too long for a window."""

_NO_LOSS = frozenset({"thrift", "upgrade"})
"""Ways whose loss does not leave a task with a lesser tier than it should have."""
_NAMED_BY_NOBODY = frozenset({"secrecy", "window", "bounds"})
"""Ways to tiers that neither the task nor the settings name for it."""


class Weather(Struct, frozen=True, kw_only=True):
    """What its lean page does not say: why money is scarce for it, and until when tiers may not be asked for long.

    `works`: its text names a folder to work in.
    """

    scarce: str | None = None
    works: bool = False
    closed_until: Mapping[str, Instant] = field(default_factory=dict)


class _Way(Struct, frozen=True, kw_only=True):
    """A tier on a task's way, with the rule that names it."""

    name: str
    rule: str
    why: str


def choose_tier(
    task: Task, tiers: Mapping[str, Tier], routing: Routing, weather: Weather | None = None
) -> Routed | Park | Refused:
    """The first tier on the task's way that may have it and can take it; parked where that may change, else refused."""
    weather = weather or Weather()
    reasons: list[Reason] = []
    tried_in_vain = some_rest = False
    met_lesser: _Way | None = None
    waiting: tuple[Instant, _Way] | None = None
    for way in _candidates(task, tiers, routing, weather):
        tier = tiers[way.name]
        if way.name in task.given_up:
            tried_in_vain = True
            reasons.append(Reason(rule="fallback", reason=f"{way.name} was tried in vain"))
            met_lesser = met_lesser or (None if way.rule in _NO_LOSS else way)
            continue
        if (obstacle := obstacle_of(task, tier) or _idle(task, tier, way, weather)) is not None:
            reasons.append(obstacle)
            if obstacle.rule == "availability":
                some_rest = some_rest or _only_rests(task, tier)
                met_lesser = met_lesser or (None if way.rule in _NO_LOSS else way)
            continue
        if (until := weather.closed_until.get(way.name)) is not None:
            reasons.append(Reason(rule="rate", reason=f"{way.name} may not be asked before {iso(until)}"))
            waiting = waiting if waiting is not None and waiting[0] <= until else (until, way)
            met_lesser = met_lesser or (None if way.rule in _NO_LOSS else way)
            continue
        return _routed(task, way, routing, reasons, met_lesser, waiting[0] if waiting else None)
    if waiting is not None:
        return Park(reason=ParkReason.RATE, detail=_told(reasons), until=waiting[0])
    if tried_in_vain and not some_rest:
        return Refused(
            kind="no_tier",
            reason=f"no tier is left: {_told(reasons)}",
            remedy="koubou retry ID once the cause is mended",
            retryable=True,
        )
    if is_secret(task):
        detail = f"confidential, and no local tier can take it: {_told(reasons)}"
        return Park(reason=ParkReason.SECRECY, detail=detail)
    return Park(reason=ParkReason.TIER, detail=_told(reasons))


def next_up(task: Task, tiers: Mapping[str, Tier], routing: Routing) -> str | None:
    """The next tier up for work that was bad where the task is; None where there is none, or it asked for its tier."""
    if task.asked_tier is not None or task.upgraded_to is not None:
        return None
    levels = [routing.tiers.get(difficulty) for difficulty in (Difficulty.LOW, Difficulty.MEDIUM, Difficulty.HIGH)]
    if task.tier is None or task.tier not in levels:
        return None
    place = len(levels) - 1 - levels[::-1].index(task.tier)
    for name in levels[place + 1 :]:
        if name is not None and name in tiers and name not in task.given_up and obstacle_of(task, tiers[name]) is None:
            return name
    return None


def obstacle_of(task: Task, tier: Tier) -> Reason | None:
    """What keeps this task from this tier, or None."""
    for rule, keeps in OBSTACLES.items():
        if (reason := keeps(task, tier)) is not None:
            return Reason(rule=rule, reason=reason)
    return None


def _idle(task: Task, tier: Tier, way: _Way, weather: Weather) -> Reason | None:
    """What makes an agent that nobody named useless to a task."""
    why = why_idle(task, tier, works=weather.works) if way.rule in _NAMED_BY_NOBODY else None
    return Reason(rule="workspace", reason=why) if why is not None else None


def is_secret(task: Task) -> bool:
    """What nobody has judged yet counts as confidential."""
    return is_confidential(task.sensitivity)


def is_confidential(sensitivity: str | None) -> bool:
    """The same of the word alone."""
    return sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)


def _only_rests(task: Task, tier: Tier) -> bool:
    """Whether nothing keeps this task from this tier but that it is left alone for a while."""
    return tier.rests and obstacle_of(task, replace(tier, unfit=None)) is None


def _routed(
    task: Task,
    way: _Way,
    routing: Routing,
    reasons: Sequence[Reason],
    met_lesser: _Way | None,
    waits_until: Instant | None,
) -> Routed | Park:
    """The tier that was found; where it is a lesser one, what the settings say of such work."""
    found = Reason(rule=way.rule, reason=way.why)
    if met_lesser is None or task.asked_tier == way.name:
        return Routed(tier=way.name, reasons=(*reasons, found))
    policy = routing.lesser(task.type)
    if policy is Lesser.DEFER:
        if met_lesser.name not in task.given_up and not is_secret(task):
            detail = f"{task.type} waits for {met_lesser.name} rather than meet {way.name}: {_told(reasons)}"
            reason = ParkReason.TIER if waits_until is None else ParkReason.RATE
            return Park(reason=reason, detail=detail, until=waits_until)
        policy = Lesser.PROCEED  # what it would wait for has failed it, or may not have it
    told = Reason(rule="lesser", reason=f"{way.name} in place of {met_lesser.name}: {policy}")
    return Routed(tier=way.name, reasons=(*reasons, found, told), lesser=policy)


def _candidates(task: Task, tiers: Mapping[str, Tier], routing: Routing, weather: Weather) -> Iterator[_Way]:
    """The tiers in the order in which they are to be tried, each once."""
    wanted = list(_wanted(task, tiers, routing, weather.works))
    if weather.scarce is not None and task.asked_tier is None and not task.requires_high_capability:
        wanted = _cheapest_first(wanted, tiers, routing, weather.scarce)
    if task.window_over is not None:
        larger = sorted(tiers.values(), key=lambda tier: tier.context_tokens)
        wanted += [
            _Way(name=tier.name, rule="window", why=f"{tier.name} takes {tier.context_tokens:,} tokens")
            for tier in larger
        ]
    if task.bounds.tiers is not None:
        wanted += [_Way(name=name, rule="bounds", why=f"its owner may use {name}") for name in task.bounds.tiers]
    if is_secret(task):
        local = (name for name, tier in tiers.items() if tier.reach is Reach.LOCAL)
        wanted += [_Way(name=name, rule="secrecy", why=f"confidential: {name} is local") for name in local]
    elif task.requires_high_capability and task.asked_tier is None:
        least = {routing.tiers[Difficulty.HIGH], routing.tiers[Difficulty.MEDIUM]}
        wanted = [way for way in wanted if way.name in least or way.name != routing.tiers[Difficulty.LOW]]
    seen: set[str] = set()
    for way in wanted:
        if way.name in tiers and way.name not in seen:
            seen.add(way.name)
            yield way


def _wanted(task: Task, tiers: Mapping[str, Tier], routing: Routing, works: bool) -> Iterator[_Way]:
    difficulty = task.difficulty or Difficulty.MEDIUM
    if task.requires_high_capability and difficulty is Difficulty.LOW:
        difficulty = Difficulty.MEDIUM
    if task.upgraded_to is not None:
        yield _Way(name=task.upgraded_to, rule="upgrade", why=f"bad work sent it up to {task.upgraded_to}")
    for found in suited(task, tiers, routing, works=works):
        yield _Way(name=found.tier, rule=found.rule, why=found.why)
    if task.asked_tier is not None:
        first, rule, why = task.asked_tier, "asked", f"the task asks for {task.asked_tier}"
    else:
        first = routing.tiers[difficulty]
        needs = " (requires_high_capability)" if difficulty is not (task.difficulty or Difficulty.MEDIUM) else ""
        rule, why = "difficulty", f"difficulty {difficulty}{needs} goes to {first}"
    yield _Way(name=first, rule=rule, why=why)
    walked = {first}
    name: str | None = first
    while name is not None and name in tiers:
        name = tiers[name].fallback
        if name is None or name in walked:
            return
        walked.add(name)
        yield _Way(name=name, rule="fallback", why=f"next in the chain after {first}: {name}")


def _cheapest_first(wanted: Sequence[_Way], tiers: Mapping[str, Tier], routing: Routing, scarce: str) -> list[_Way]:
    """The way that the task would go, and the tier of easy work, by what they charge for an answer."""
    easy = routing.tiers[Difficulty.LOW]
    ways = [*wanted]
    if easy not in {way.name for way in wanted}:
        ways.append(_Way(name=easy, rule="thrift", why=f"easy work goes to {easy}"))
    known = [way for way in ways if way.name in tiers]
    return [
        way if way.name == wanted[0].name else _Way(name=way.name, rule="thrift", why=f"{scarce}: cheaper tiers first")
        for way in sorted(known, key=lambda way: _answer_rate(tiers[way.name]))
    ]


def _answer_rate(tier: Tier) -> int:
    """What a million tokens of answer cost; a tier without a price comes last, and is not offered anyway."""
    return tier.price.base.output if tier.price is not None else 1 << 62


def _secrecy(task: Task, tier: Tier) -> str | None:
    secret = is_secret(task) and tier.reach is not Reach.LOCAL
    return f"{tier.name} is not local, and the task is confidential" if secret else None


def _sandbox(task: Task, tier: Tier) -> str | None:
    open_one = why_open(tier) if is_secret(task) else None
    return f"{open_one}, and the task is confidential" if open_one is not None else None


def out_of_bounds(task: Task, tier: Tier) -> str | None:
    """Why a task's owner may not use a tier, or one of those that work in it; None where he may."""
    bounds = task.bounds
    for each in (tier, *tier.members):
        if bounds.tiers is not None and each.name not in bounds.tiers:
            return f"its owner may not use {each.name}"
        if bounds.executors is not None and each.executor not in bounds.executors:
            return f"its owner may not use {each.executor}, by which {each.name} works"
    return None


def _availability(_task: Task, tier: Tier) -> str | None:
    return f"{tier.name} is not offered: {tier.unfit}" if tier.unfit is not None else None


def _executor(task: Task, tier: Tier) -> str | None:
    other = task.executor is not None and task.executor != tier.executor
    return f"{tier.name} works by {tier.executor}, the task asks for {task.executor}" if other else None


def _window(task: Task, tier: Tier) -> str | None:
    if task.window_over is not None and tier.context_tokens <= task.window_over:
        return f"it is too long for {tier.name}, which takes {tier.context_tokens:,} tokens"
    least = (task.input_bytes + task.inputs_bytes) // LONGEST_TOKEN
    if least > tier.context_tokens:
        return f"{tier.name} takes {tier.context_tokens:,} tokens, and these are at least {least:,}"
    return None


OBSTACLES: Mapping[str, Callable[[Task, Tier], str | None]] = {
    "secrecy": _secrecy,
    "sandbox": _sandbox,
    "bounds": out_of_bounds,
    "availability": _availability,
    "executor": _executor,
    "window": _window,
}
"""What can keep a task from a tier, in the order in which it is looked at."""


def _told(reasons: Sequence[Reason]) -> str:
    return "; ".join(reason.reason for reason in reasons) or "no tier is set up"
