"""What comes back from the workers: money first, then what follows for the task. Every ending goes through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from koubou.model.account import Amounts, OpenHold
from koubou.model.call import Bill, CallError, CallResult, ErrorClass
from koubou.model.heard import (
    AgentTold,
    CallAsked,
    CallEnded,
    Heard,
    RunFinished,
    RunSent,
    RunStarted,
    RunUnsendable,
    WorkerGone,
)
from koubou.model.instant import Instant
from koubou.model.money import Nano, show_usd
from koubou.model.run import Run
from koubou.model.status import Park, ParkReason, Status
from koubou.rules.estimate import is_off
from koubou.rules.latches import latch_of_model
from koubou.rules.settle import settlement, used_amounts
from koubou.rules.usage import kinds_of_tokens
from koubou.steps.after_run import after_run, again, lost
from koubou.steps.breaker import note_call
from koubou.steps.priority import weigh
from koubou.steps.shop import Shop
from koubou.steps.watch import watch, watch_the_unknown

_Spent = dict[str, tuple[Nano, int]]
"""Money and tokens, by the id of a task."""

_AT_WORK = (Status.ASSIGNED, Status.IN_PROGRESS)


def settle(shop: Shop, now: Instant) -> int:
    """Hear the workers; return how many messages were dealt with."""
    before = len(shop.deeds)
    count = 0
    for of_calls, messages in groupby(_told(shop), key=lambda message: isinstance(message, CallEnded)):
        if of_calls:
            count += _calls_ended(shop, [message.result for message in messages if isinstance(message, CallEnded)], now)
        else:
            count += sum(_heard(shop, message, now) for message in messages)
    return count + len(shop.deeds) - before


def _told(shop: Shop) -> Iterator[Heard]:
    """What is settled here: agents ask for calls and end calls in turn, and that is for two steps."""
    return (message for message in shop.heard if not isinstance(message, CallAsked | AgentTold))


def _heard(shop: Shop, message: Heard, now: Instant) -> bool:
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
            return False
    return True


def _calls_ended(shop: Shop, results: Sequence[CallResult], now: Instant) -> int:
    """Calls of agents, all of them together; where one is at fault, each by itself."""
    if not shop.together(lambda: _settle_calls(shop, results, now)):
        for result in results:
            _call_ended(shop, result, now)
    return len(results)


def _settle_calls(shop: Shop, results: Sequence[CallResult], now: Instant) -> None:
    """What they cost is added to the page of each task once: it is a wide one."""
    spent: _Spent = {}
    for result in results:
        _settle_call(shop, result, now, spent)
    for task_id, (cost, tokens) in spent.items():
        shop.board.tasks.spent(task_id, cost, tokens)


def _call_ended(shop: Shop, result: CallResult, now: Instant) -> None:
    """A call of an agent: its money, and what it says of its provider. Its run goes on."""
    if not shop.apart(now, None, _settle_call, shop, result, now):
        shop.apart(now, None, _settle_call, shop, replace(result, bill=Bill.UNKNOWN, usage=None), now)


def _settle_call(shop: Shop, result: CallResult, now: Instant, spent: _Spent | None = None) -> None:
    hold = shop.board.ledger.open_hold(result.call)
    shop.board.agent_calls.ended(result.call)
    if hold is not None:
        _settled(shop, hold, result, now, spent)
        if (tier := shop.tiers.get(hold.entry.tier)) is not None:
            note_call(shop, tier, result, now)


def _settle_left(shop: Shop, task: int, task_id: str, run: int, now: Instant) -> None:
    """A run is over, and nobody will tell how these calls of its agent ended."""
    for call in shop.board.agent_calls.of_run(task, run):
        vanished = CallError(kind=ErrorClass.LOST, message="its run ended, and nobody knows how the call did")
        hold = shop.board.ledger.open_hold(call)
        begun = now if hold is None else hold.at
        _call_ended(shop, _unknown(task_id, run, call, vanished, begun, now), now)


def _unknown(task_id: str, run: int, call: str, error: CallError, begun: Instant, now: Instant) -> CallResult:
    return CallResult(
        task=task_id, run=run, call=call, bill=Bill.UNKNOWN, error=error, started_at=begun, finished_at=now
    )


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
    run = shop.board.runs.get(task.seq, result.run)
    if shop.board.runs.ended(task.seq, result.run, "fault", now) and run is not None:
        _tell_end(shop, task.id, run, "fault")
    if task.run == result.run and task.status in _AT_WORK and task.outcome is None:
        detail = f"the end of run {result.run} could not be recorded; koubou retry {task.id} tries again"
        again(shop, task, Park(reason=ParkReason.OPERATOR, detail=detail), now)


def _finished(shop: Shop, result: CallResult, now: Instant) -> None:
    _money(shop, result, now)
    task = shop.board.tasks.get(result.task)
    if task is None:
        return
    run = shop.board.runs.get(task.seq, result.run)
    if run is None:
        return
    _settle_left(shop, task.seq, task.id, run.number, now)
    outcome = str(result.error.kind) if result.error else "answered"
    first = shop.board.runs.ended(task.seq, result.run, outcome, now, result.answer_bytes, examined=result.examined)
    if first:
        _tell_end(shop, task.id, run, outcome, result)
    if first and (tier := shop.tiers.get(run.tier)) is not None and not tier.metered:
        note_call(shop, tier, result, now)
    if not first or task.run != result.run or task.status not in _AT_WORK or task.outcome is not None:
        return  # a late word of an earlier run: it moved money and nothing else
    after_run(shop, task, run, result, now)


def _tell_end(shop: Shop, task_id: str, run: Run, outcome: str, result: CallResult | None = None) -> None:
    """For those who count: how a run ended, and how long it took where its worker could say so."""
    times: dict[str, Any] = {}
    if result is not None:
        times["run_ms"] = result.finished_at - result.started_at
        if result.first_token_at is not None:
            times["first_token_ms"] = result.first_token_at - result.started_at
    whose: Mapping[str, Any] = {"tier": run.tier, "executor": run.executor}
    shop.say("run.ended", "debug", task=task_id, run=run.number, outcome=outcome, **whose, **times)


def _money(shop: Shop, result: CallResult, now: Instant) -> None:
    hold = shop.board.ledger.open_hold(result.call)
    if hold is not None:
        _settled(shop, hold, result, now)


def _settled(shop: Shop, hold: OpenHold, result: CallResult, now: Instant, spent: _Spent | None = None) -> None:
    """`spent` gathers what calls of agents cost their tasks; without it each is added at once."""
    outcome = settlement(bill=result.bill, usage=result.usage, price=hold.entry.price, hold=hold.amount)
    passed = 0 if hold.within_a_run else result.finished_at - result.started_at
    used = used_amounts(outcome, hold.amounts, passed)
    if outcome.released or hold.amounts.tokens == 0:  # without a token it is no call: the time of an agent's run
        shop.apart(now, None, watch, shop, shop.board.ledger.release(hold, now, used), now)
        if hold.amounts.tokens:
            shop.say("call.released", "debug", task=result.task, run=result.run, call=result.call, tier=hold.entry.tier)
        return
    accounts = shop.board.ledger.settle(hold, used, outcome.usage, unreconciled=outcome.unreconciled, now=now)
    tokens = used.tokens if outcome.usage else 0
    if spent is not None and hold.within_a_run:
        before = spent.get(result.task, (0, 0))
        spent[result.task] = before[0] + outcome.amount, before[1] + tokens
    else:
        estimated = shop.board.tasks.spent(result.task, outcome.amount, tokens)
        if estimated is not None and outcome.usage is not None and not hold.within_a_run:
            _calibrate(shop, hold, used, *estimated)
    weigh(shop, result.task, accounts)
    event = "call.unreconciled" if outcome.unreconciled else "call.settled"
    told: Mapping[str, Any] = {"nusd": outcome.amount, **kinds_of_tokens(outcome.usage)}
    shop.say(event, task=result.task, run=result.run, call=result.call, tier=hold.entry.tier, **told)
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


def _unsendable(shop: Shop, message: RunUnsendable, now: Instant) -> None:
    """Nothing went out: the money comes back. A task that can never be sent waits for an operator."""
    run = shop.board.runs.get(message.task, message.run)
    if run is not None and run.ended_at is None:
        _close_unsent(shop, run, now)
        task = shop.board.tasks.at(message.task)
        if task.run == run.number and task.status in _AT_WORK:
            park = Park(reason=ParkReason.OPERATOR, detail=message.reason) if message.for_good else None
            again(shop, task, park, now, message.reason)


def _worker_gone(shop: Shop, gone: WorkerGone, now: Instant) -> None:
    for call in gone.calls:
        _call_ended(shop, call, now)
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
    _settle_left(shop, run.task, task_id, run.number, now)
    if sent:
        vanished = CallError(kind=ErrorClass.LOST, message=gone.reason)
        _money(shop, _unknown(task_id, run.number, run.call, vanished, run.started_at or now, now), now)
        if shop.board.runs.ended(run.task, run.number, str(ErrorClass.LOST), now):
            _tell_end(shop, task_id, run, str(ErrorClass.LOST))
    else:
        _close_unsent(shop, run, now)
    task = shop.board.tasks.at(run.task)
    if task.run != run.number or task.status not in _AT_WORK or task.outcome is not None:
        return
    lost(shop, task, run, gone, now, alone=alone)


def _close_unsent(shop: Shop, run: Run, now: Instant) -> None:
    hold = shop.board.ledger.open_hold(run.call)
    if hold is not None:
        shop.board.ledger.release(hold, now)
    shop.board.runs.ended(run.task, run.number, "unsent", now)
