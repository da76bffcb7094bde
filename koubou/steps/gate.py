"""Let through the calls that agents make: rate, money and secrecy for each before it is sent; keep what they tell."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.errors import IllegalMove
from koubou.model.account import Bearer, Dimension, Entry
from koubou.model.circuit import CircuitState
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.deed import AnswerCall
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.model.heard import AgentTold, CallAsked
from koubou.model.instant import SECOND, Instant, Milliseconds
from koubou.model.run import Run
from koubou.model.status import Status
from koubou.model.task import Task
from koubou.model.tier import Reach, Tier
from koubou.rules.admit import ask_accounts
from koubou.rules.breaker import circuits_of
from koubou.rules.gate import denied_for_money
from koubou.rules.latches import EMERGENCY
from koubou.rules.route import is_secret, out_of_bounds
from koubou.steps.admit import bearers_of
from koubou.steps.pace import is_half_open, open_at, take
from koubou.steps.shop import Shop

_AT_WORK = (Status.ASSIGNED, Status.IN_PROGRESS)
_TRIED_WAIT: Milliseconds = 2 * SECOND


def gate(shop: Shop, now: Instant) -> int:
    """Answer each call that waits; return how many words of agents were dealt with."""
    count = 0
    stopped = any(shop.of(CallAsked)) and shop.budget.stop_agents and EMERGENCY in shop.board.crew.latches()
    for message in shop.heard:
        match message:
            case CallAsked(wanted=wanted):
                if not shop.apart(now, None, _answer, shop, wanted, now, stopped):
                    fault = _denied(wanted, Denial.STOP, "a fault of the workshop; its journal tells")
                    _tell(shop, _run_of(shop, wanted)[1], wanted, fault)
            case AgentTold():
                shop.apart(now, None, _keep, shop, message, now)
            case _:
                continue
        count += 1
    return count


def _answer(shop: Shop, wanted: Wanted, now: Instant, stopped: bool) -> None:
    task, run = _run_of(shop, wanted)
    if task is None or run is None or _is_over(task, run):
        answer: Granted | Denied = _denied(wanted, Denial.STOP, "the run is over")
    elif stopped:
        answer = _denied(wanted, Denial.STOP, "the workshop has stopped everything")
    else:
        tier = _tier(shop, run, wanted)
        answer = _kept_back(shop, task, tier, wanted, now) or _held(shop, task, run, tier, wanted, now)
    _tell(shop, run, wanted, answer)


def _run_of(shop: Shop, wanted: Wanted) -> tuple[Task | None, Run | None]:
    task = shop.board.tasks.get(wanted.task)
    return task, None if task is None else shop.board.runs.get(task.seq, wanted.run)


def _tell(shop: Shop, run: Run | None, wanted: Wanted, answer: Granted | Denied) -> None:
    worker = None if run is None else run.worker
    shop.deeds.append(AnswerCall(task_id=wanted.task, run=wanted.run, worker=worker, answer=answer))


def _is_over(task: Task, run: Run) -> bool:
    current = run.ended_at is None and run.number == task.run
    return not current or task.status not in _AT_WORK or task.cancel_asked


def _tier(shop: Shop, run: Run, wanted: Wanted) -> Tier:
    """Whose provider is asked: the run's own tier, or a member of it. Raises IllegalMove for any other."""
    served = shop.tiers.get(run.tier)
    names = {run.tier, *(member.name for member in served.members)} if served is not None else {run.tier}
    tier = shop.tiers.get(wanted.tier)
    if tier is None or wanted.tier not in names:
        raise IllegalMove(f"a run of {run.tier} asks for {wanted.tier}")
    return tier


def _kept_back(shop: Shop, task: Task, tier: Tier, wanted: Wanted, now: Instant) -> Denied | None:
    """What keeps the call from its provider, whatever it costs."""
    if tier.reach is not Reach.LOCAL and is_secret(task):
        return _denied(wanted, Denial.SECRECY, f"{tier.name} is not local, and the task is {task.sensitivity}")
    if (why := out_of_bounds(task, tier)) is not None:
        return _denied(wanted, Denial.REST, why)
    if tier.unfit is not None:
        return _denied(wanted, Denial.REST, f"{tier.name} is not offered: {tier.unfit}")
    if is_half_open(shop, tier) and _is_tried(shop, tier):
        return _denied(wanted, Denial.REST, f"{tier.name} is tried with one call at a time", _TRIED_WAIT)
    opens = open_at(shop, tier, now, wanted.input_tokens + tier.min_output_tokens)
    if opens > now:
        return _denied(wanted, Denial.RATE, f"{tier.name} is asked as fast as it may be", opens - now)
    return None


def _is_tried(shop: Shop, tier: Tier) -> bool:
    """Whether a call of an agent is under way that was begun since the tier comes back."""
    return any(
        shop.board.agent_calls.under_way([tier.name], circuit.changed_at)
        for circuit in (shop.circuits[name] for name in circuits_of(tier) if name in shop.circuits)
        if circuit.state is CircuitState.HALF_OPEN
    )


def _held(shop: Shop, task: Task, run: Run, tier: Tier, wanted: Wanted, now: Instant) -> Granted | Denied:
    """Hold for it on every account but that of time, which its run holds."""
    if tier.price is None:
        raise IllegalMove(f"{tier.name} has no price")
    critical = run.calls > 0  # what an agent has begun is lost where it must break off
    bearers = [
        bearer
        for bearer in bearers_of(
            shop, task, tier, tier.price, wanted.input_tokens, now, cap=wanted.cap, critical=critical
        )
        if bearer.account.dimension != Dimension.TIME
    ]
    decision = ask_accounts(
        tier=tier, price=tier.price, input_tokens=wanted.input_tokens, asked_cap=wanted.cap, accounts=bearers
    )
    if isinstance(decision, Breach | Refused):
        if isinstance(decision, Breach):
            shop.board.agent_calls.breached(task.seq, run.number, decision)
        return denied_for_money(wanted, decision, bearers)
    return _granted(shop, task, run, tier, wanted, decision, bearers, now)


def _granted(
    shop: Shop,
    task: Task,
    run: Run,
    tier: Tier,
    wanted: Wanted,
    admitted: Admitted,
    bearers: list[Bearer],
    now: Instant,
) -> Granted:
    assert tier.price is not None  # noqa: S101 - it was looked at before the accounts were asked
    call = shop.new_id()
    entry = Entry(
        call=call,
        task=task.id,
        operation=task.type,
        run=run.number,
        tier=tier.name,
        model=tier.model,
        accounts=tuple(bearer.account.key for bearer in bearers),
        price=tier.price,
        session=task.session,
        submitter=task.owner,
    )
    if not shop.board.ledger.hold(entry, replace(admitted.hold, time=0), bearers, now):
        raise IllegalMove("an account refused a hold that the rule had granted")
    shop.board.agent_calls.begun(call, task.seq, run.number, tier.name, now)
    take(shop, tier, admitted.hold.tokens, now)
    shop.say("call.held", task=task.id, run=run.number, call=call, tier=tier.name, nusd=admitted.hold.usd)
    return Granted(ticket=wanted.ticket, call=call, cap=admitted.cap)


def _denied(wanted: Wanted, why: Denial, message: str, wait: Milliseconds | None = None) -> Denied:
    return Denied(ticket=wanted.ticket, why=why, message=message, wait=wait)


def _keep(shop: Shop, told: AgentTold, now: Instant) -> None:
    """Keep the session at once, and count what was done on the task's own accounts."""
    task = shop.board.tasks.get(told.task)
    run = None if task is None else shop.board.runs.get(task.seq, told.run)
    if task is None or run is None:
        return
    shop.board.agent_calls.noted(task.seq, run.number, told.session, told.deeds)
    grown = {
        Dimension.FILE_EDITS: told.deeds.edits - run.edits,
        Dimension.COMMANDS: told.deeds.commands - run.commands,
    }
    for dimension, count in grown.items():
        limit = shop.limits.counted_of_task(task, run.executor, dimension)
        if count > 0 and limit is not None:
            account = shop.board.ledger.open_account(limit, now)
            shop.board.ledger.count(account.key, count)
