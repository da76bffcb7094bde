"""What follows when an agent was kept from going on: by a secret, for want of money, or by the limits of its deeds."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.call import CallError, ErrorClass
from koubou.model.decision import Refused
from koubou.model.instant import Instant
from koubou.model.run import Run
from koubou.model.status import Park, ParkReason
from koubou.model.task import Sensitivity, Task
from koubou.rules.retry import remedy
from koubou.steps.ending import fail
from koubou.steps.shop import Shop

_OPTIONS = {"edits": "--file-edits", "commands": "--commands"}


def kept_back(shop: Shop, task: Task, run: Run, error: CallError, now: Instant) -> None:
    """The run is over; its task goes to a local tier, waits for money, or waits for a person."""
    match error.kind:
        case ErrorClass.SECRET:
            _raised(shop, task, run, error, now)
        case ErrorClass.BUDGET:
            _without_money(shop, task, run, error, now)
        case _:
            told = f"{error.message}; what it did stands in its run's folder"
            if (option := _OPTIONS.get(error.code)) is not None:
                told += f"; koubou budget add {task.id} {option} N lets it do more"
            park = Park(reason=ParkReason.OPERATOR, detail=f"{told}; koubou retry {task.id} tries again")
            _parked(shop, task, run, park, now)


def _raised(shop: Shop, task: Task, run: Run, error: CallError, now: Instant) -> None:
    """It read something secret: from here on its task is, and chooses again among local tiers."""
    secret = replace(task, sensitivity=Sensitivity.CONFIDENTIAL)
    if task.sensitivity is not Sensitivity.CONFIDENTIAL:
        shop.board.tasks.set_sensitivity(task, Sensitivity.CONFIDENTIAL, now)
        why = f"confidential: the agent was about to send {error.code or 'a secret'} to {run.tier}"
        shop.note(task, "task.classified", why, now, sensitivity=str(Sensitivity.CONFIDENTIAL))
    shop.board.tasks.retried(secret, now)
    shop.note(task, "task.retried", error.message, now, run=run.number, tier=run.tier, error_class=str(error.kind))


def _without_money(shop: Shop, task: Task, run: Run, error: CallError, now: Instant) -> None:
    breach = shop.board.agent_calls.breach_of(task.seq, run.number)
    if breach is None:
        refused = Refused(kind=str(error.kind), reason=error.message, remedy=remedy(ErrorClass.BUDGET), retryable=False)
        fail(shop, task, refused, now)
        return
    shop.board.tasks.retried(task, now)
    shop.board.tasks.parked(shop.board.tasks.at(task.seq), breach.park, now, breach)
    told = f"its agent could make no further call: {breach.park.detail}"
    shop.note(task, "task.parked", told, now, run=run.number, park=str(breach.park.reason), until=breach.park.until)


def _parked(shop: Shop, task: Task, run: Run, park: Park, now: Instant) -> None:
    shop.board.tasks.retried(task, now, park)
    shop.note(task, "task.parked", park.detail, now, run=run.number, park=str(park.reason))
