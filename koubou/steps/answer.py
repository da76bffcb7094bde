"""What a person or program asks for through the control socket, and the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from koubou.errors import BOARD_FAULTS, IllegalMove, KoubouError, NotAllowed, UnknownTask, UsageMistake
from koubou.model.access import Scope
from koubou.model.deed import CancelRun
from koubou.model.heard import Asked
from koubou.model.instant import Instant
from koubou.model.status import ENDS, ParkReason, Status, Waiting
from koubou.model.task import Sensitivity, Task
from koubou.rules.access import may_only, reach_of, reaches
from koubou.rules.latches import is_pause
from koubou.steps import budget, pause, tokens
from koubou.steps.alarms import turned_away
from koubou.steps.ending import cancel, finish
from koubou.steps.priority import level_of, prioritize
from koubou.steps.rate import rate
from koubou.steps.reconcile import reconcile
from koubou.steps.retain import collect, is_gone, purge
from koubou.steps.shop import Shop
from koubou.steps.watch import stop_everything

_KINDS: Mapping[type[KoubouError], str] = {
    UnknownTask: "unknown_task",
    IllegalMove: "illegal_move",
    NotAllowed: "not_allowed",
    UsageMistake: "usage",
}


VERBS = (
    "cancel",
    "retry",
    "finish",
    "release",
    "rate",
    "priority",
    "budget_set",
    "budget_add",
    "budget_reset",
    "resume_budget",
    "reconcile",
    "latch",
    "gc",
    "purge",
    "pause",
    "resume",
    "token_add",
    "token_list",
    "token_rm",
    "token_used",
    "refused",
)


def answer(shop: Shop, now: Instant) -> int:
    """Do what was asked, each apart; return how many."""
    asked = list(shop.of(Asked))
    for message in asked:
        mark = len(shop.deeds)
        try:
            with shop.board.savepoint():
                shop.replies[message.ticket] = {"ok": _verb(message)(shop, message, now)}
        except BOARD_FAULTS:
            raise
        except KoubouError as error:
            del shop.deeds[mark:]
            kind = _KINDS.get(type(error), "unavailable")
            if isinstance(error, NotAllowed):
                turned_away(shop, message.caller, message.verb, now)
            shop.replies[message.ticket] = {"error": {"kind": kind, "message": str(error)}}
        except Exception as error:  # noqa: BLE001 - a fault over one request must not stop the turn
            del shop.deeds[mark:]
            what = f"a bug: {type(error).__name__}; please report it"
            shop.say("control.fault", "error", verb=message.verb, reason=what)
            shop.replies[message.ticket] = {"error": {"kind": "unavailable", "message": what}}
    return len(asked)


def _verb(asked: Asked) -> Callable[[Shop, Asked, Instant], Mapping[str, Any]]:
    """What does it. Raises NotAllowed for who has no part in it; whose task it is, is looked at with the task."""
    if asked.verb in VERBS and reach_of(asked.caller, asked.verb) is Scope.NONE:
        raise NotAllowed(may_only(asked.verb))
    match asked.verb:
        case "cancel":
            return _cancel_all
        case "retry":
            return _retry_all
        case "finish":
            return _finish_all
        case "release":
            return _release
        case "rate":
            return _rate_all
        case "priority":
            return _prioritize_all
        case "budget_set":
            return budget.set_limit
        case "budget_add":
            return budget.add
        case "budget_reset":
            return budget.reset
        case "reconcile":
            return reconcile
        case "resume_budget":
            return _resume_budget
        case "latch":
            return _latch
        case "gc":
            return collect
        case "purge":
            return _purge_all
        case "pause":
            return pause.pause
        case "resume":
            return pause.resume
        case "token_add":
            return tokens.add
        case "token_list":
            return tokens.listed
        case "token_rm":
            return tokens.revoke
        case "token_used":
            return tokens.used
        case "refused":
            return tokens.refused
    raise UsageMistake(f"the verbs are ping, me, state, {', '.join(VERBS)}")


def _cancel_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    return _each(shop, asked, lambda task: _cancel(shop, asked, task, now))


def _retry_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    return _each(shop, asked, lambda task: _retry(shop, asked, task, now))


def _finish_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    return _each(shop, asked, lambda task: _finish(shop, asked, task, now))


def _purge_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    return _each(shop, asked, lambda task: purge(shop, asked, task, now))


def _rate_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    return _each(shop, asked, lambda task: rate(shop, asked, task, now))


def _prioritize_all(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    level = level_of(asked.arguments)
    return _each(shop, asked, lambda task: prioritize(shop, asked, task, level, now))


def _each(shop: Shop, asked: Asked, act: Callable[[Task], str]) -> Mapping[str, Any]:
    """One result an id: some may succeed where others do not."""
    results = []
    for task_id in _ids(asked):
        try:
            with shop.board.savepoint():
                results.append({"id": task_id, "ok": True, "message": act(_task(shop, asked, task_id))})
        except BOARD_FAULTS:
            raise
        except KoubouError as error:
            kind = _KINDS.get(type(error), "unavailable")
            results.append({"id": task_id, "ok": False, "kind": kind, "message": str(error)})
    return {"results": results}


_STOPPING = "is being stopped; an answer on its way to an agent is read to its end first, for 30 s at most"


def _cancel(shop: Shop, asked: Asked, task: Task, now: Instant) -> str:
    if task.outcome is not None or task.status in ENDS:
        raise IllegalMove(f"task {task.id} has ended: {task.outcome or task.status}")
    if task.waiting is Waiting.RUN:
        run = shop.board.runs.get(task.seq, task.run)
        shop.board.tasks.ask_cancel(task.seq, now)
        if run is not None:
            shop.deeds.append(CancelRun(task_id=task.id, run=task.run, worker=run.worker))
        shop.board.history.add(task.seq, "task.cancel_asked", "while it is at work", now, asked.caller)
        return _STOPPING
    shop.board.history.add(task.seq, "task.cancel_asked", "while it waits", now, asked.caller)
    cancel(shop, task, f"cancelled by {asked.caller.actor}", now)
    return "cancelled"


def _retry(shop: Shop, asked: Asked, task: Task, now: Instant) -> str:
    if task.status in ENDS:
        if task.status == "completed":
            raise IllegalMove(f"task {task.id} is completed: its answer is in its folder")
        if (gone := is_gone(shop, task)) is not None:
            raise IllegalMove(f"task {task.id} cannot be tried again: {gone}")
        shop.board.tasks.revived(task, now)
    elif task.park is not None and task.outcome is None:
        shop.board.tasks.rerouted(task, now) if task.waiting is not Waiting.CLASSIFY else shop.board.tasks.unparked(
            task.seq, now
        )
    else:
        raise IllegalMove(f"task {task.id} is {task.status}: there is nothing to try again")
    shop.note(task, "task.retried", f"asked for by {asked.caller.actor}", now, asked.caller)
    return "tried again"


def _finish(shop: Shop, asked: Asked, task: Task, now: Instant) -> str:
    if task.outcome is not None or task.status in ENDS:
        raise IllegalMove(f"task {task.id} has ended: {task.outcome or task.status}")
    if task.waiting is Waiting.RUN:
        raise IllegalMove(f"task {task.id} is at work: wait for it, or koubou cancel {task.id}")
    best = shop.board.runs.richest(task.seq)
    if best is None or task.waiting is Waiting.CLASSIFY:
        raise IllegalMove(f"nothing of an answer to task {task.id} has come yet: koubou cancel {task.id} ends it")
    run, answer_bytes = best
    finish(shop, task, run, answer_bytes, now)
    shop.note(task, "task.finished", f"what came of run {run} is enough, says {asked.caller.actor}", now, asked.caller)
    return f"filed with what came of run {run}"


def _release(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    task = _task(shop, asked, str(asked.arguments.get("id", "")))
    reason = str(asked.arguments.get("reason", "")).strip()
    wanted = str(asked.arguments.get("to", ""))
    if wanted not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL):
        raise UsageMistake("release --as takes public or internal")
    if not reason:
        raise UsageMistake("release needs a --reason: it stays in the task's history with your name")
    if task.sensitivity is None or task.waiting in (None, Waiting.RUN, Waiting.FILE, Waiting.CLASSIFY):
        rule = "only a task that waits, and whose text has been looked at, can be released"
        remedy = "koubou show tells when it does" if task.status not in ENDS else "drop it again"
        raise IllegalMove(f"task {task.id} is {task.status}: {rule}; {remedy}")
    shop.board.tasks.set_sensitivity(task, Sensitivity(wanted), now)
    unread = [need.id for need in shop.board.tasks.needs(task.seq) if need.status is not Status.COMPLETED]
    if not unread:
        shop.board.tasks.note_released(task.seq)
    told = f"{task.sensitivity} → {wanted} by {asked.caller.actor}: {reason}"
    shop.board.history.add(task.seq, "task.released", told, now, asked.caller)
    shop.say(
        "task.released", "warning", task=task.id, reason=f"{task.sensitivity} → {wanted}", actor=asked.caller.actor
    )
    if task.park is None or task.park.reason in (ParkReason.SECRECY, ParkReason.TIER) or task.waiting is Waiting.ADMIT:
        shop.board.tasks.rerouted(task, now)
    return {"id": task.id, "sensitivity": wanted, "unread": unread}


def _resume_budget(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    reason = str(asked.arguments.get("reason", "")).strip()
    if not reason:
        raise UsageMistake("budget resume needs a --reason")
    names = [name for name in shop.board.crew.latches() if not is_pause(name) and shop.board.crew.unlatch(name)]
    for name in names:
        shop.board.history.add(None, "emergency.resumed", f"{name}: {reason}", now, asked.caller)
        shop.say("emergency.resumed", "warning", latch=name, actor=asked.caller.actor, reason=reason)
    shop.reroute(now)
    return {"resumed": names}


def _latch(shop: Shop, asked: Asked, now: Instant) -> Mapping[str, Any]:
    reason = str(asked.arguments.get("reason", "")) or "asked for"
    # What an operator wrote stands in the history; a notice leaves the house, so it says only who.
    told = "the signal SIGUSR2" if asked.caller.actor == "signal" else "an operator asked for it"
    stop_everything(shop, reason, now, asked.caller, told=told)
    return {"latched": True}


def _ids(asked: Asked) -> list[str]:
    ids = asked.arguments.get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(task_id, str) for task_id in ids):
        raise UsageMistake("which tasks? give ids")
    return ids


def _task(shop: Shop, asked: Asked, task_id: str) -> Task:
    task = shop.board.tasks.get(task_id)
    if task is None or not reaches(asked.caller, asked.verb, task.owner):
        raise UnknownTask(f'no task "{task_id}"')
    return task
