"""Give each task that waits for one its tier, once all it needs is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from koubou.model.account import Dimension
from koubou.model.decision import Reason, Refused, Routed
from koubou.model.instant import Instant
from koubou.model.phase import Phase
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import Difficulty, Need, Sensitivity, Task
from koubou.model.tier import Tier
from koubou.rules.asides import may_be_asked, tier_of_aside
from koubou.rules.latches import is_paused
from koubou.rules.levels import is_scarce
from koubou.rules.request_body import conversation_growth
from koubou.rules.route import Weather, choose_tier, obstacle_of
from koubou.steps.after_run import settle_for
from koubou.steps.breaker import look_further
from koubou.steps.ending import fail
from koubou.steps.pace import is_being_tried, is_half_open, open_at
from koubou.steps.shop import Shop
from koubou.steps.workspace import works_in_a_folder

_TRIED = "it is tried again with one call at a time"
_LOST = (Status.FAILED, Status.CANCELLED)


def route(shop: Shop, now: Instant) -> int:
    """Choose tiers; return how many tasks were looked at."""
    tasks = shop.board.tasks.due(Waiting.ROUTE, shop.batch)
    closed = _closed(shop, now) if tasks else {}
    tried = [name for name, tier in shop.tiers.items() if is_half_open(shop, tier)]
    for name in tried:
        tasks = _try_out(shop, name, tasks, closed, now)
    resting = {name: replace(shop.tiers[name], unfit=_TRIED, rests=True) for name in tried}
    offered = {**shop.tiers, **resting} if resting else shop.tiers
    for task in tasks:
        shop.apart(now, task.id, _route, shop, task, offered, closed, now)
    return len(tasks)


def _try_out(shop: Shop, name: str, due: list[Task], closed: Mapping[str, Instant], now: Instant) -> list[Task]:
    """A tier that is coming back gets one task at a time, of those who want it the least urgent; the others are left.

    What is parked is asked too: nobody else may have it.
    """
    tier = shop.tiers[name]
    if tier.unfit is not None or is_being_tried(shop, tier) or shop.board.tasks.queued_up_to(name, 1):
        return due
    parked = shop.board.tasks.parked_for_tier(shop.batch)
    for task in sorted([*due, *parked], key=lambda task: (task.priority, -task.seq)):
        if not task.has_dependencies or task.park is not None:
            task = _as_child(shop, task, now)
            if task.phase is Phase.ANSWER:
                decision = choose_tier(task, shop.tiers, shop.routing, _weather(shop, task, closed, now))
            else:
                decision = _aside(shop, task, shop.tiers, closed)
            if isinstance(decision, Routed) and decision.tier == name:
                shop.apart(now, task.id, _routed, shop, task, decision, now)
                return [other for other in due if other.seq != task.seq]
    if len(parked) == shop.batch:
        look_further(shop, tier, now)
    return due


def _route(shop: Shop, task: Task, offered: Mapping[str, Tier], closed: Mapping[str, Instant], now: Instant) -> None:
    if task.has_dependencies:
        needs = shop.board.tasks.needs(task.seq)
        strangers = [need.id for need in needs if need.owner not in (None, task.owner)]
        if strangers:
            # At intake it was not there yet. Answers are for whoever asked, and not for those who guess their names.
            refused = Refused(
                kind="permission",
                reason=f"it needs {', '.join(strangers)}, which belongs to somebody else",
                remedy="drop it again with tasks of your own in depends_on",
                retryable=False,
            )
            fail(shop, task, refused, now)
            return
        lost = [need.id for need in needs if need.status in _LOST]
        if lost:
            refused = Refused(
                kind="dependency",
                reason=f"it needs {', '.join(lost)}, which did not complete",
                remedy="koubou retry what it needs, then this task",
                retryable=True,
            )
            fail(shop, task, refused, now)
            return
        missing = [need.id for need in needs if need.status is not Status.COMPLETED]
        if missing:
            _park(shop, task, Park(reason=ParkReason.DEPENDENCY, detail=f"waits for {', '.join(missing)}"), now)
            return
        task = _as_reader(shop, task, needs, now)
    task = _as_child(shop, task, now)
    if task.phase is not Phase.ANSWER:
        aside = _aside(shop, task, offered, closed)
        if isinstance(aside, Routed):
            _routed(shop, task, aside, now)
            return
        if task.phase is Phase.JUDGE:
            settle_for(shop, task, f"not judged: {aside.detail}", now)
            return
        task = replace(task, phase=Phase.ANSWER)
    decision = choose_tier(task, offered, shop.routing, _weather(shop, task, closed, now))
    match decision:
        case Routed():
            _routed(shop, task, decision, now)
        case Park():
            if not settle_for(shop, task, decision.detail, now):
                _park(shop, task, decision, now)
        case Refused():
            if not settle_for(shop, task, decision.reason, now):
                fail(shop, task, decision, now)


def _aside(shop: Shop, task: Task, offered: Mapping[str, Tier], closed: Mapping[str, Instant]) -> Routed | Park:
    """Who is asked about a task or its answer; nobody waits long for him."""
    tier = offered.get(tier_of_aside(task, shop.routing) or "")
    if tier is None:
        return Park(reason=ParkReason.TIER, detail="there is no such tier")
    if (obstacle := obstacle_of(task, tier)) is not None:
        return Park(reason=ParkReason.TIER, detail=obstacle.reason)
    if tier.name in closed or is_paused(tier.name, shop.board.crew.latches()):
        why = "may not be asked for longer than one waits" if tier.name in closed else "is paused"
        return Park(reason=ParkReason.TIER, detail=f"{tier.name} {why}")
    if not may_be_asked(task, tier, shop.board.runs.get):
        return Park(reason=ParkReason.TIER, detail=f"{tier.name} is not local, and nobody has looked at the answer")
    asks = Reason(rule=str(task.phase), reason=f"{tier.name} is asked")
    return Routed(tier=tier.name, reasons=(asks,), lesser=task.lesser)


def _routed(shop: Shop, task: Task, decision: Routed, now: Instant) -> None:
    shop.board.tasks.routed(task, decision, now)
    shop.note(task, "task.routed", "; ".join(reason.reason for reason in decision.reasons), now, tier=decision.tier)


def _closed(shop: Shop, now: Instant) -> dict[str, Instant]:
    """Which tiers may not be asked for longer than one waits, and until when."""
    opening = {name: open_at(shop, tier, now) for name, tier in shop.tiers.items() if tier.unfit is None}
    return {name: at for name, at in opening.items() if at > now + shop.routing.patience}


def _weather(shop: Shop, task: Task, closed: Mapping[str, Instant], now: Instant) -> Weather:
    return Weather(scarce=_scarce(shop, task, now), closed_until=closed, works=works_in_a_folder(shop, task))


def _scarce(shop: Shop, task: Task, now: Instant) -> str | None:
    """Why cheaper tiers come first for a task that is not hard: most of its own money is used, or of the month's."""
    if task.difficulty is Difficulty.HIGH or task.requires_high_capability:
        return None
    ledger = shop.board.ledger
    if task.attempts:
        for dimension in (Dimension.USD, Dimension.TOKENS):
            own = ledger.account(f"task:{task.id}", dimension)
            if own is not None and is_scarce(own):
                return f"{own.name} is {own.percent} % used"
    month = ledger.account(shop.limits.month(now).name)
    return f"{month.name} is {month.percent} % used" if month is not None and is_scarce(month) else None


def _as_reader(shop: Shop, task: Task, needs: Sequence[Need], now: Instant) -> Task:
    """Who reads a confidential answer is confidential; what the answers add to the prompt is added to its bound."""
    _, request = shop.board.tasks.request(task.seq)
    by_id = {need.id.casefold(): need for need in needs}
    read = {name: by_id[needed.casefold()] for name, needed in request.inputs.items()}
    growth = conversation_growth(request, {name: need.answer_bytes for name, need in read.items()})
    shop.board.tasks.set_inputs_bytes(task.seq, growth)
    levels = [need.sensitivity for need in read.values()]
    return _raised(shop, task, levels, "it reads an answer that is", "inputs", now)


def _as_child(shop: Shop, task: Task, now: Instant) -> Task:
    """A part of something confidential is confidential."""
    if task.parent is None:
        return task
    level = shop.board.tasks.sensitivity_of(task.parent, task.owner)
    return _raised(shop, task, [level], f"it belongs to {task.parent}, which is", "parent", now)


def _raised(shop: Shop, task: Task, levels: Sequence[Sensitivity | None], why: str, source: str, now: Instant) -> Task:
    """As secret as the most secret of these; a person who has released it knew them."""
    if task.sensitivity is None or task.released:
        return task
    known = (level for level in levels if level is not None)
    highest = max((task.sensitivity, *known), key=lambda level: level.rank)
    if highest is task.sensitivity:
        return task
    shop.board.tasks.set_sensitivity(task, highest, now)
    shop.board.tasks.judged(task, Reason(rule=f"sensitivity.{source}", reason=f"{highest}: {why}"))
    shop.note(task, "task.classified", f"{highest}: {why}", now, sensitivity=str(highest))
    return replace(task, sensitivity=highest)


def _park(shop: Shop, task: Task, park: Park, now: Instant) -> None:
    shop.board.tasks.parked(task, park, now)
    shop.note(task, "task.parked", park.detail, now, park=str(park.reason))
