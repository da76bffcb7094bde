"""What comes back from the workers: money first, then what follows for the task. Every ending goes through here."""

from __future__ import annotations

from dataclasses import replace

from koubou.model.account import Amounts, OpenHold
from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.decision import FallBack, Refused, Routed, RunAgain
from koubou.model.heard import RunFinished, RunSent, RunStarted, RunUnsendable, WorkerGone
from koubou.model.instant import Instant
from koubou.model.money import Nano, show_usd
from koubou.model.run import Run
from koubou.model.status import Park, ParkReason, Status
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.rules.estimate import is_off
from koubou.rules.latches import latch_of_key, latch_of_model
from koubou.rules.retry import INTERRUPTIONS_BORNE, after_error
from koubou.rules.route import choose_tier
from koubou.rules.settle import settlement, used_amounts
from koubou.steps.ending import cancel, complete, fail
from koubou.steps.guard import let_out
from koubou.steps.shop import Shop
from koubou.steps.watch import watch, watch_the_unknown

_AT_WORK = (Status.ASSIGNED, Status.IN_PROGRESS)


def settle(shop: Shop, now: Instant) -> int:
    """Hear the workers; return how many messages were dealt with."""
    before = len(shop.deeds)
    count = 0
    for message in shop.heard:
        match message:
            case RunSent(task=seq, run=number):
                shop.board.runs.sent(seq, number, now)
            case RunStarted():
                shop.apart(now, message.task, _started, shop, message, now)
            case RunFinished(result=result):
                _finished_apart(shop, result, now)
            case RunUnsendable():
                _unsendable(shop, message, now)
            case WorkerGone():
                _worker_gone(shop, message, now)
            case _:
                continue
        count += 1
    return count + len(shop.deeds) - before


def _started(shop: Shop, message: RunStarted, now: Instant) -> None:
    task = shop.board.tasks.get(message.task)
    if task is None or task.run != message.run or task.status is not Status.ASSIGNED:
        return
    if shop.board.runs.started(task.seq, message.run, now):
        shop.board.tasks.started(task, now)
        shop.note(task, "task.started", f"run {message.run}", now, run=message.run, tier=task.tier)


def _finished_apart(shop: Shop, result: CallResult, now: Instant) -> None:
    """Settle in a savepoint; what cannot be settled as reported is settled at its hold, and the task set aside."""
    if not shop.apart(now, None, _finished, shop, result, now):
        unknown = replace(result, bill=Bill.UNKNOWN, usage=None)
        shop.apart(now, None, _money, shop, unknown, now)
        shop.apart(now, None, _set_aside, shop, result, now)


def _set_aside(shop: Shop, result: CallResult, now: Instant) -> None:
    task = shop.board.tasks.get(result.task)
    if task is None:
        return
    shop.board.runs.ended(task.seq, result.run, "fault", now)
    if task.run == result.run and task.status in _AT_WORK and task.outcome is None:
        detail = f"the end of run {result.run} could not be recorded; koubou retry {task.id} tries again"
        _again(shop, task, Park(reason=ParkReason.OPERATOR, detail=detail), now)


def _finished(shop: Shop, result: CallResult, now: Instant) -> None:
    _money(shop, result, now)
    task = shop.board.tasks.get(result.task)
    if task is None:
        return
    outcome = str(result.error.kind) if result.error else "answered"
    first = shop.board.runs.ended(task.seq, result.run, outcome, now, result.answer_bytes)
    if not first or task.run != result.run or task.status not in _AT_WORK or task.outcome is not None:
        return  # a late word of an earlier run: it moved money and nothing else
    if result.error is None:
        if let_out(shop, task, result, now) is not None:
            complete(shop, task, result.answer_bytes, now)
    elif task.cancel_asked:
        cancel(shop, task, "cancelled while it was at work", now)
    elif result.error.kind is ErrorClass.CANCELLED:
        _interrupted(shop, task, "stopped by the emergency stop", now)
    else:
        _failed(shop, task, result.error, now)


def _money(shop: Shop, result: CallResult, now: Instant) -> None:
    hold = shop.board.ledger.open_hold(result.call)
    if hold is None:
        return
    outcome = settlement(bill=result.bill, usage=result.usage, price=hold.entry.price, hold=hold.amount)
    used = used_amounts(outcome, hold.amounts, result.finished_at - result.started_at)
    if outcome.released:
        shop.apart(now, None, watch, shop, shop.board.ledger.release(hold, now, used), now)
        return
    accounts = shop.board.ledger.settle(hold, used, outcome.usage, unreconciled=outcome.unreconciled, now=now)
    estimated = shop.board.tasks.spent(result.task, outcome.amount, used.tokens if outcome.usage else 0)
    if estimated is not None and outcome.usage is not None:
        _calibrate(shop, hold, used, *estimated)
    event = "call.unreconciled" if outcome.unreconciled else "call.settled"
    shop.say(event, task=result.task, run=result.run, call=result.call, tier=hold.entry.tier, nusd=outcome.amount)
    # The fact stands, whatever may be wrong with what follows from it.
    shop.apart(now, None, watch, shop, accounts, now)
    if outcome.unreconciled:
        shop.apart(now, None, watch_the_unknown, shop, accounts, hold.entry.tier, outcome.amount, now)
    if outcome.above_hold:
        reason = f"{hold.entry.model} billed {show_usd(outcome.amount)} for a hold of {show_usd(hold.amount)}"
        latch = latch_of_model(hold.entry.model)
        if shop.board.crew.latch(latch, reason, now):
            shop.alert("model_frozen", latch, now, tier=hold.entry.tier, call=result.call, reason=reason)
        shop.reroute(now)
        shop.say("budget.breach", "error", task=result.task, call=result.call, tier=hold.entry.tier, reason=reason)


def _calibrate(shop: Shop, hold: OpenHold, used: Amounts, tokens: int, cost: Nano) -> None:
    """One line for whoever mends the table of operations, where an estimate was off by more than a tenth."""
    if is_off(tokens, used.tokens) or is_off(cost, used.usd):
        entry = hold.entry
        shop.say(
            "usage.recorded",
            task=entry.task,
            run=entry.run,
            call=entry.call,
            tier=entry.tier,
            operation=entry.operation,
            estimated_tokens=tokens,
            tokens=used.tokens,
            estimated_nusd=cost,
            nusd=used.usd,
        )


def _failed(shop: Shop, task: Task, error: CallError, now: Instant) -> None:
    tier = shop.tiers.get(task.tier or "")
    given_up = (*task.given_up, task.tier or "")
    if error.kind is ErrorClass.CONTEXT and tier is not None:
        task = replace(task, window_over=max(tier.context_tokens, task.window_over or 0))
    if error.kind in (ErrorClass.AUTH, ErrorClass.QUOTA) and not error.another_key:
        _key_refused(shop, task.tier or "", error, now)
    elsewhere = choose_tier(replace(task, given_up=given_up), shop.tiers, shop.routing)
    decision = after_error(
        error,
        failures=task.failures + 1,
        retries=_retries(task, tier),
        retry_delay=tier.retry_delay if tier else 0,
        has_fallback=isinstance(elsewhere, Routed),
        chance=shop.chance(),
    )
    match decision:
        case RunAgain(delay=delay, counts=counts, reason=reason):
            kind = ParkReason.RATE if error.kind is ErrorClass.RATE else ParkReason.TIER
            park = Park(reason=kind, detail=reason, until=now + delay) if delay else None
            failures = task.failures + (1 if counts else 0)
            shop.board.tasks.retried(
                task,
                now,
                park=park,
                failures=failures,
                interruptions=task.interruptions,
                given_up=task.given_up,
            )
            shop.note(task, "task.retried", reason, now, run=task.run, tier=task.tier, error_class=str(error.kind))
        case FallBack(reason=reason):
            shop.board.tasks.retried(
                task, now, interruptions=task.interruptions, given_up=given_up, window_over=task.window_over
            )
            told = f"{task.tier} is given up: {reason}"
            shop.note(task, "task.retried", told, now, run=task.run, tier=task.tier, error_class=str(error.kind))
        case Refused():
            fail(shop, task, decision, now, code=error.code)


def _key_refused(shop: Shop, tier: str, error: CallError, now: Instant) -> None:
    """A key or the credit behind it is no good: nobody else is sent there until a person has seen to it."""
    reason = f"{error.message} ({error.code or error.kind})"
    if shop.board.crew.latch(latch_of_key(tier), reason, now):
        shop.reroute(now)
        shop.say("tier.degraded", "error", tier=tier, error_class=str(error.kind), reason=reason)
        shop.alert("tier_degraded", latch_of_key(tier), now, tier=tier, error_class=str(error.kind))


def _retries(task: Task, tier: Tier | None) -> int:
    return task.retries if task.retries is not None else (tier.retries if tier else 0)


def _unsendable(shop: Shop, message: RunUnsendable, now: Instant) -> None:
    """Nothing went out: the money comes back. A task that can never be sent waits for an operator."""
    run = shop.board.runs.get(message.task, message.run)
    if run is not None and run.ended_at is None:
        _close_unsent(shop, run, now)
        task = shop.board.tasks.at(message.task)
        if task.run == run.number and task.status in _AT_WORK:
            park = Park(reason=ParkReason.OPERATOR, detail=message.reason) if message.for_good else None
            _again(shop, task, park, now, message.reason)


def _worker_gone(shop: Shop, gone: WorkerGone, now: Instant) -> None:
    under_way = shop.board.runs.open_of_worker(gone.worker)
    lost = sum((task_id, run.number) not in gone.results and run.sent_at is not None for task_id, run in under_way)
    for task_id, run in under_way:
        result = gone.results.get((task_id, run.number))
        if result is not None:
            _finished_apart(shop, result, now)
        else:
            shop.apart(now, task_id, _lost, shop, gone, task_id, run, now, lost == 1)
    status = "offline" if gone.on_purpose else "error"
    shop.board.crew.gone(gone.worker, status, gone.reason, now)


def _lost(shop: Shop, gone: WorkerGone, task_id: str, run: Run, now: Instant, alone: bool) -> None:
    """A run whose worker has gone without a record: pessimistic money, then as the task's on_interrupt says.

    Who was `alone` when his worker died by itself is to blame; of several, nobody knows: each is tried apart.
    Recovery says RunSent of every run that may have gone out without a word on the board (`master.recover`).
    """
    sent = run.sent_at is not None
    if sent:
        lost = CallError(kind=ErrorClass.LOST, message=gone.reason)
        result = CallResult(
            task=task_id,
            run=run.number,
            call=run.call,
            bill=Bill.UNKNOWN,
            error=lost,
            started_at=run.started_at or now,
            finished_at=now,
        )
        _money(shop, result, now)
        shop.board.runs.ended(run.task, run.number, str(ErrorClass.LOST), now)
    else:
        _close_unsent(shop, run, now)
    task = shop.board.tasks.at(run.task)
    if task.run != run.number or task.status not in _AT_WORK or task.outcome is not None:
        return
    if task.cancel_asked:
        cancel(shop, task, "cancelled while it was at work", now)
        return
    died = sent and not gone.on_purpose
    interruptions = task.interruptions + (1 if died and alone else 0)
    task = replace(task, interruptions=interruptions, suspect=task.suspect or died)
    if interruptions >= INTERRUPTIONS_BORNE and not (task.on_interrupt == "hold" and sent):
        detail = f"at work in {interruptions} workers that died; koubou retry {task.id} tries again"
        _again(shop, task, Park(reason=ParkReason.OPERATOR, detail=detail), now)
    elif sent:
        _interrupted(shop, task, gone.reason, now)
    else:
        _again(shop, task, None, now, gone.reason)


def _interrupted(shop: Shop, task: Task, reason: str, now: Instant) -> None:
    """It was at work, and is not to blame."""
    if task.on_interrupt == "hold":
        detail = f"{reason}; on_interrupt is hold: koubou retry {task.id} runs it again"
        _again(shop, task, Park(reason=ParkReason.INTERRUPTED, detail=detail), now)
    else:
        _again(shop, task, None, now, reason)


def _close_unsent(shop: Shop, run: Run, now: Instant) -> None:
    hold = shop.board.ledger.open_hold(run.call)
    if hold is not None:
        shop.board.ledger.release(hold, now)
    shop.board.runs.ended(run.task, run.number, "unsent", now)


def _again(shop: Shop, task: Task, park: Park | None, now: Instant, reason: str = "") -> None:
    shop.board.tasks.retried(
        task,
        now,
        park=park,
        failures=task.failures,
        interruptions=task.interruptions,
        given_up=task.given_up,
        suspect=task.suspect,
    )
    told = park.detail if park else reason
    shop.note(task, "task.parked" if park else "task.retried", told, now, run=task.run)
