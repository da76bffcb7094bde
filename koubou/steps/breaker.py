"""What calls and checks say of their providers: circuits open, are tried, and close; each change is told once."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.model.call import CallError, CallResult, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.heard import Checked
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.rules.breaker import Seen, after_call, after_check, circuit_of, circuit_of_key, circuits_of, is_good, opened
from koubou.rules.latches import latch_of_key
from koubou.rules.session import recovery_of, rules_of
from koubou.steps.shop import Shop


def breaker(shop: Shop, now: Instant) -> int:
    """Hear how servers are that were left alone; return how many were looked at."""
    count = 0
    for checked in shop.of(Checked):
        count += 1
        circuit = shop.circuits.get(checked.circuit)
        if circuit is not None:
            rules = rules_of(circuit.name, shop.tiers, shop.breaker)
            _change(shop, circuit, after_check(circuit, checked.health, rules, now), now)
    return count


def note_call(shop: Shop, tier: Tier, result: CallResult, now: Instant) -> None:
    """A call has ended: what it says of its provider, and of its key."""
    error = result.error
    good = is_good(error, result.finished_at - result.started_at, tier)
    if good is not None:
        missing = error is not None and error.kind is ErrorClass.MODEL
        reason = error.message if error else "its answers are slow"
        seen = Seen(good=good, began=result.started_at, reason=reason, for_good=missing)
        see(shop, circuit_of(tier), seen, now)
        if error is None:
            see(shop, circuit_of_key(tier.name), Seen(good=True, began=result.started_at), now)
    wait = max(result.quiet_for or 0, (error.retry_after or 0) if error else 0)
    if wait > 0:
        _be_quiet(shop, tier, now + wait, now)


def key_refused(shop: Shop, tier: str, error: CallError, now: Instant) -> None:
    """A key or the credit behind it is no good: nobody else is sent there until it is, as far as that can be asked.

    Whether a key is taken again a server tells; that a spend limit was raised only a person knows.
    """
    word = error.code or str(error.kind)
    reason = error.message if word in error.message else f"{error.message} ({word})"
    name = circuit_of_key(tier)
    known = shop.circuits.get(name, Circuit(name=name))
    if shop.board.crew.latch(latch_of_key(tier), reason, now):
        if known.opened_at is None:
            shop.say("tier.degraded", "error", tier=tier, error_class=str(error.kind), reason=reason)
            shop.alert("tier_degraded", latch_of_key(tier), now, tier=tier, error_class=str(error.kind))
        if error.kind is ErrorClass.AUTH:
            put(shop, opened(known, reason, shop.breaker, now))
        shop.leave_alone(now)


def look_further(shop: Shop, tier: Tier, now: Instant) -> None:
    """None of the least urgent of very many that are parked wants a tier that comes back: all of them choose again.

    From time to time only, for that takes many turns; `retry_at` of a half open circuit says when next.
    """
    circuits = [shop.circuits[name] for name in circuits_of(tier) if name in shop.circuits]
    tried = next((circuit for circuit in circuits if circuit.state is CircuitState.HALF_OPEN), None)
    if tried is not None and (tried.retry_at is None or tried.retry_at <= now):
        put(shop, replace(tried, retry_at=now + shop.breaker.wait))
        shop.reroute(now)
        shop.wake_by(now)


def look_now(shop: Shop, name: str, now: Instant) -> None:
    """A person says that what is behind an open circuit may be well: it is looked at now, not when its wait is over."""
    circuit = shop.circuits.get(name)
    if circuit is not None and circuit.state is CircuitState.OPEN:
        put(shop, replace(circuit, retry_at=now))


def forget(shop: Shop, tier: Tier) -> list[str]:
    """A person says that a tier is well: its circuits are as good as new. Return those that were not."""
    known = [name for name in circuits_of(tier) if name in shop.circuits]
    for name in known:
        shop.board.circuits.forget(name)
        del shop.circuits[name]
    return known


def see(shop: Shop, name: str, seen: Seen, now: Instant) -> None:
    """Something was seen of what is behind a circuit."""
    circuit = shop.circuits.get(name)
    if circuit is None and seen.good:
        return
    before = circuit or Circuit(name=name)
    _change(shop, before, after_call(before, seen, rules_of(name, shop.tiers, shop.breaker), now), now)


def put(shop: Shop, circuit: Circuit) -> None:
    """Note how a circuit stands now."""
    shop.board.circuits.put(circuit)
    shop.circuits[circuit.name] = circuit


def _change(shop: Shop, before: Circuit, after: Circuit, now: Instant) -> None:
    if after == before:
        return
    put(shop, after)
    if after.state is before.state:
        return
    tiers = [tier for tier in shop.tiers.values() if after.name in circuits_of(tier)]
    match after.state:
        case CircuitState.OPEN:
            for tier in tiers if before.opened_at is None else ():
                shop.say("tier.degraded", "warning", tier=tier.name, circuit=after.name, reason=after.reason)
            shop.leave_alone(now)
        case CircuitState.HALF_OPEN:
            for tier in tiers:
                if after.name == circuit_of_key(tier.name):
                    shop.board.crew.unlatch(latch_of_key(tier.name))
                shop.say("tier.tried", tier=tier.name, circuit=after.name, reason="one call at a time")
            shop.leave_alone(now)
        case CircuitState.CLOSED:
            for tier in tiers:
                word = recovery_of(tier, {before.name: before})
                shop.say(word, tier=tier.name, circuit=after.name, reason="it serves as before")
            shop.reroute(now)


def _be_quiet(shop: Shop, tier: Tier, until: Instant, now: Instant) -> None:
    name = circuit_of(tier)
    circuit = shop.circuits.get(name, Circuit(name=name))
    if until > max(now, circuit.quiet_until or 0):
        put(shop, replace(circuit, quiet_until=until))
