"""What runs of agents say of their tier's login or key: refused often in a row it stops the tier, and is told."""

from __future__ import annotations

from koubou.model.call import CallError, CallResult, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.instant import Instant
from koubou.model.run import Run
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.rules.breaker import Seen, after_call, circuit_of_key
from koubou.rules.latches import latch_of_key
from koubou.rules.session import SESSION, TIMEOUT, has_ended
from koubou.steps.breaker import put, see
from koubou.steps.shop import Shop


def is_refusal(error: CallError) -> bool:
    """Whether a login or key was refused, and there is no other to try."""
    return error.kind is ErrorClass.AUTH and not error.another_key


def note_session(shop: Shop, tier: Tier, result: CallResult, now: Instant) -> None:
    """A run of an agent is over: it was answered, or its login or key was refused; all else says nothing here."""
    name = circuit_of_key(tier.name)
    if result.error is None:
        see(shop, name, Seen(good=True, began=result.started_at), now)
    elif is_refusal(result.error):
        before = shop.circuits.get(name, Circuit(name=name))
        if before.state is not CircuitState.OPEN and latch_of_key(tier.name) in shop.board.crew.latches():
            return  # it is stopped for its credit: when that is there again only a person knows
        seen = Seen(good=False, began=result.started_at, reason=result.error.message)
        after = after_call(before, seen, SESSION, now)
        put(shop, after)
        if after.state is CircuitState.OPEN and before.state is not CircuitState.OPEN:
            _stop(shop, tier, before, after, now)


def may_pass(shop: Shop, task: Task, run: Run, tier: Tier) -> bool:
    """Whether a refusal may be one of those that pass by themselves: the tier is not stopped for it.

    A task that alone is refused as often in a row, while others are answered, is not tried for ever.
    """
    if has_ended(tier, shop.circuits):
        return False
    circuit = shop.circuits.get(circuit_of_key(tier.name))
    since = circuit.changed_at if circuit is not None else 0
    earlier = [shop.board.runs.get(task.seq, run.number - back) for back in range(1, SESSION.in_a_row)]
    return not all(
        each is not None and (each.tier, each.outcome) == (run.tier, ErrorClass.AUTH) and each.admitted_at >= since
        for each in earlier
    )


def _stop(shop: Shop, tier: Tier, before: Circuit, after: Circuit, now: Instant) -> None:
    """Nothing more is begun there; told once, however often it is tried in vain until it is well."""
    latch = latch_of_key(tier.name)
    shop.board.crew.latch(latch, after.reason, now)
    if before.opened_at is None:
        reason = f"its login or key was refused to {SESSION.in_a_row} runs in a row"
        shop.say("session.timeout", "error", tier=tier.name, reason=reason, until=after.retry_at)
        shop.alert(TIMEOUT, latch, now, tier=tier.name, executor=tier.executor, reason=reason)
    shop.leave_alone(now)
