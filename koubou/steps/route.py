"""Give each task that waits for one its tier, once all it needs is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from koubou.model.account import Dimension
from koubou.model.decision import Refused, Routed
from koubou.model.instant import Instant
from koubou.model.status import Park, ParkReason, Status, Waiting
from koubou.model.task import Difficulty, Need, Sensitivity, Task
from koubou.rules.levels import is_scarce
from koubou.rules.request_body import conversation_growth
from koubou.rules.route import choose_tier
from koubou.steps.ending import fail
from koubou.steps.shop import Shop

_LOST = (Status.FAILED, Status.CANCELLED)


def route(shop: Shop, now: Instant) -> int:
    """Choose tiers; return how many tasks were looked at."""
    tasks = shop.board.tasks.due(Waiting.ROUTE, shop.batch)
    for task in tasks:
        shop.apart(now, task.id, _route, shop, task, now)
    return len(tasks)


def _route(shop: Shop, task: Task, now: Instant) -> None:
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
        task = _inherit(shop, task, needs, now)
    decision = choose_tier(task, shop.tiers, shop.routing, _scarce(shop, task, now))
    match decision:
        case Routed(tier=tier, reasons=reasons):
            shop.board.tasks.routed(task, decision, now)
            shop.note(task, "task.routed", "; ".join(reason.reason for reason in reasons), now, tier=tier)
        case Park():
            _park(shop, task, decision, now)
        case Refused():
            fail(shop, task, decision, now)


def _scarce(shop: Shop, task: Task, now: Instant) -> str | None:
    """Why cheaper tiers come first for a task: most of its own money is used, or of the month's and it is not hard."""
    ledger = shop.board.ledger
    if task.attempts:
        for dimension in (Dimension.USD, Dimension.TOKENS):
            own = ledger.account(f"task:{task.id}", dimension)
            if own is not None and is_scarce(own):
                return f"{own.name} is {own.percent} % used"
    if task.difficulty is Difficulty.HIGH or task.requires_high_capability:
        return None
    month = ledger.account(shop.limits.month(now).name)
    return f"{month.name} is {month.percent} % used" if month is not None and is_scarce(month) else None


def _inherit(shop: Shop, task: Task, needs: Sequence[Need], now: Instant) -> Task:
    """Who reads a confidential answer is confidential; what the answers add to the prompt is added to its bound."""
    _, request = shop.board.tasks.request(task.seq)
    by_id = {need.id.casefold(): need for need in needs}
    read = {name: by_id[needed.casefold()] for name, needed in request.inputs.items()}
    growth = conversation_growth(request, {name: need.answer_bytes for name, need in read.items()})
    shop.board.tasks.set_inputs_bytes(task.seq, growth)
    levels = [need.sensitivity for need in read.values() if need.sensitivity is not None]
    highest = max([task.sensitivity or Sensitivity.PUBLIC, *levels], key=lambda level: level.rank)
    if highest is task.sensitivity:
        return task
    shop.board.tasks.set_sensitivity(task, highest, now)
    shop.note(task, "task.classified", f"{highest}: it reads an answer that is", now, sensitivity=str(highest))
    return replace(task, sensitivity=highest)


def _park(shop: Shop, task: Task, park: Park, now: Instant) -> None:
    shop.board.tasks.parked(task, park, now)
    shop.note(task, "task.parked", park.detail, now, park=str(park.reason))
