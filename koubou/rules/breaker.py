"""When a provider's model is left alone, and how it comes back: the circuit breaker (Nygard, "Release It!", 2007).

closed ─ 5 failures in a row, or half of the last 20 ─► open ─ its wait is over, and it says it is well ─► half open
half open ─ one failure ─► open, for twice as long; half open ─ 3 successes in a row, one call at a time ─► closed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from koubou.model.call import CallError, ErrorClass
from koubou.model.circuit import BreakerRules, Circuit, CircuitState, Health
from koubou.model.instant import Instant, Milliseconds, iso
from koubou.model.tier import Tier
from koubou.rules import rate
from koubou.rules.latches import latch_of_key
from koubou.rules.limits import AGENTS

_FAULTS = frozenset(
    {ErrorClass.SERVER, ErrorClass.PROXY, ErrorClass.CUT, ErrorClass.TIMEOUT, ErrorClass.UNREACHABLE, ErrorClass.MODEL}
)


class Seen(Struct, frozen=True, kw_only=True):
    """What a call has shown of its provider. `for_good`: it will be no better for being tried again at once."""

    good: bool
    began: Instant
    reason: str = ""
    for_good: bool = False


def circuit_of(tier: Tier) -> str:
    """The name of the circuit of a tier's model at its provider; tiers of the same model there share it."""
    if not tier.base_url and not tier.embedded:
        return f"{tier.executor} of {tier.name}"
    return f"{tier.provider} {tier.model} {tier.base_url}".rstrip()


def circuit_of_key(tier: str) -> str:
    """The name of the circuit of a tier's own key, which a provider may refuse while others serve: its latch's."""
    return latch_of_key(tier)


def circuits_of(tier: Tier) -> tuple[str, str]:
    """Everything that must be well for a tier to be served."""
    return circuit_of(tier), circuit_of_key(tier.name)


def is_good(error: CallError | None, took: Milliseconds, tier: Tier) -> bool | None:
    """What a call says of its provider: it served, it did not, or (None) it says nothing of that.

    An answer that took nearly as long as the tier waits at all is none to rely on. How long a program works on a task
    says more of the task than of the program.
    """
    if error is None:
        return tier.slow_after is None or took <= tier.slow_after
    if error.kind is ErrorClass.TIMEOUT and tier.executor.startswith(AGENTS):
        return None
    return False if error.kind in _FAULTS else None


def after_call(circuit: Circuit, seen: Seen, rules: BreakerRules, now: Instant) -> Circuit:
    """The circuit after a call, which may be an old one that says nothing of the present state."""
    if circuit.state is CircuitState.OPEN or seen.began < circuit.changed_at <= now:
        return circuit
    if circuit.state is CircuitState.HALF_OPEN:
        if not seen.good:
            return opened(circuit, seen.reason, rules, now)
        successes = circuit.successes + 1
        return replace(circuit, successes=successes) if successes < rules.successes else closed(circuit, now)
    if seen.good:
        if not circuit.recent:
            return circuit
        recent = (circuit.recent + "+")[-rules.of_last :]
        return replace(circuit, recent=recent if "-" in recent else "")
    recent = (circuit.recent + "-")[-rules.of_last :]
    if seen.for_good or recent.endswith("-" * rules.in_a_row) or recent.count("-") >= rules.share * rules.of_last:
        return opened(circuit, seen.reason, rules, now)
    return replace(circuit, recent=recent)


def opened(circuit: Circuit, reason: str, rules: BreakerRules, now: Instant) -> Circuit:
    """Open, and for twice as long each time that it was tried in vain."""
    wait = min(max(2 * circuit.wait, rules.wait), rules.longest_wait)
    return replace(
        circuit,
        state=CircuitState.OPEN,
        recent="",
        successes=0,
        wait=wait,
        retry_at=now + wait,
        reason=reason,
        opened_at=circuit.opened_at or now,
        changed_at=now,
    )


def after_check(circuit: Circuit, health: Health, rules: BreakerRules, now: Instant) -> Circuit:
    """Once its wait is over and its server was asked how it is: half open, or open until it is asked again."""
    if circuit.state is not CircuitState.OPEN:
        return circuit
    if health.well:
        return replace(circuit, state=CircuitState.HALF_OPEN, successes=0, retry_at=None, changed_at=now)
    return replace(circuit, retry_at=now + rules.wait, reason=health.reason)


def closed(circuit: Circuit, now: Instant) -> Circuit:
    """As good as new."""
    return Circuit(name=circuit.name, quiet_until=circuit.quiet_until, changed_at=now)


def state_of(tier: Tier, circuits: Mapping[str, Circuit]) -> CircuitState:
    """The worst state of all that must be well for a tier."""
    states = {circuits[name].state for name in circuits_of(tier) if name in circuits}
    for state in (CircuitState.OPEN, CircuitState.HALF_OPEN):
        if state in states:
            return state
    return CircuitState.CLOSED


def quiet_until(tier: Tier, circuits: Mapping[str, Circuit], now: Instant) -> Instant | None:
    """Until when the provider asked not to be asked; None when it may be."""
    circuit = circuits.get(circuit_of(tier))
    return circuit.quiet_until if circuit and circuit.quiet_until and circuit.quiet_until > now else None


def opens_at(
    tier: Tier, circuits: Mapping[str, Circuit], due_of: Callable[[str, str], int], now: Instant, tokens: int = 0
) -> Instant:
    """The earliest moment at which a call of so many tokens may be sent; now or earlier where it may be at once."""
    return max(quiet_until(tier, circuits, now) or now, rate.opens_at(tier, due_of, tokens))


def is_due(circuit: Circuit, now: Instant) -> bool:
    """Whether it is time to ask its server how it is."""
    if circuit.state is not CircuitState.OPEN or circuit.retry_at is None:
        return False
    return not now < circuit.retry_at <= now + circuit.wait  # further off than it can be: the clock was set back


def as_resting(tiers: Mapping[str, Tier], circuits: Mapping[str, Circuit]) -> Mapping[str, Tier]:
    """The tiers as they can be offered: one behind an open circuit says so. Half open ones are offered."""
    if all(circuit.state is not CircuitState.OPEN for circuit in circuits.values()):
        return tiers
    return {name: _as_resting(tier, circuits) for name, tier in tiers.items()}


def _as_resting(tier: Tier, circuits: Mapping[str, Circuit]) -> Tier:
    for name in circuits_of(tier):
        circuit = circuits.get(name)
        if tier.unfit is None and circuit is not None and circuit.state is CircuitState.OPEN:
            again = "" if circuit.retry_at is None else f"; looked at again at {iso(circuit.retry_at)}"
            return replace(tier, unfit=f"it is left alone: {circuit.reason}{again}", rests=True)
    return tier
