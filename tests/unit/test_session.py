"""When the session of an agent's tier is over, how it comes back, and that no other circuit is taken for one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from koubou.model.agent import Manner
from koubou.model.circuit import BreakerRules, Circuit, CircuitState, Health
from koubou.model.instant import MINUTE, SECOND
from koubou.model.tier import Tier
from koubou.rules.breaker import Seen, after_call, after_check, circuit_of, circuit_of_key, opened
from koubou.rules.latches import latch_of_key, latch_of_model
from koubou.rules.session import SESSION, as_offered, has_ended, recovery_of, rules_of
from tests.builders import NOW, a_tier, tiers

OTHERS = BreakerRules()


def an_agent(**changes: Any) -> Tier:
    return a_tier("high", executor="codex", agent=Manner(program="/opt/codex"), **changes)


def the_key(**changes: Any) -> Circuit:
    return Circuit(name=circuit_of_key("high"), **changes)


def ended() -> Circuit:
    return opened(the_key(), "the provider does not accept the key", SESSION, NOW)


@given(some.text("+-", max_size=40))
def test_three_refusals_with_nothing_answered_between_end_it_and_nothing_else(seen: str) -> None:
    circuit = the_key()
    for number, what in enumerate(seen):
        at = NOW + number * SECOND
        circuit = after_call(circuit, Seen(good=what == "+", began=at), SESSION, at)
        assert (circuit.state is CircuitState.OPEN) == ("---" in seen[: number + 1]), seen
        if circuit.state is CircuitState.OPEN:
            return


def test_it_is_looked_at_every_five_minutes_however_often_it_was_in_vain() -> None:
    circuit = the_key()
    for _ in range(5):
        circuit = opened(circuit, "refused", SESSION, NOW)
        assert circuit.retry_at == NOW + 5 * MINUTE
    sick = after_check(circuit, Health(well=False, reason="refused"), SESSION, NOW)
    assert sick.retry_at == NOW + 5 * MINUTE


def test_one_answer_brings_it_back() -> None:
    half = after_check(ended(), Health(well=True, reason=""), SESSION, NOW + 5 * MINUTE)
    assert half.state is CircuitState.HALF_OPEN
    back = after_call(half, Seen(good=True, began=NOW + 6 * MINUTE), SESSION, NOW + 6 * MINUTE)
    assert (back.state, back.opened_at) == (CircuitState.CLOSED, None)


def test_only_the_key_of_an_agents_tier_is_a_session() -> None:
    agent = an_agent()
    shop = tiers(agent, a_tier("medium"))
    assert rules_of(circuit_of_key("high"), shop, OTHERS) is SESSION
    for other in (circuit_of(agent), circuit_of_key("medium"), circuit_of_key("gone")):
        assert rules_of(other, shop, OTHERS) is OTHERS
    assert not has_ended(a_tier("high"), {ended().name: ended()})


def test_a_tier_whose_session_is_over_rests_and_says_what_brings_it_back() -> None:
    latches = {latch_of_key("high"): "refused"}
    seen = as_offered(tiers(an_agent(), a_tier("medium")), latches, {ended().name: ended()})
    assert seen["medium"].unfit is None
    assert seen["high"].rests
    for part in ("does not accept the key", "every 5 minutes", "issue is closed", "koubou resume high"):
        assert part in (seen["high"].unfit or "")


def test_a_tier_that_is_stopped_for_its_credit_does_not_rest() -> None:
    latches = {latch_of_key("high"): "its credit is used up"}
    for circuits in ({}, {the_key().name: replace(the_key(), recent="--")}):
        seen = as_offered(tiers(an_agent()), latches, circuits)["high"]
        assert "its credit is used up" in (seen.unfit or "")
        assert not seen.rests
    frozen = as_offered(tiers(an_agent()), {latch_of_model("model-of-high"): "it billed too much"}, {})["high"]
    assert "frozen" in (frozen.unfit or "")


def test_what_is_unfit_for_another_reason_keeps_it() -> None:
    seen = as_offered(tiers(an_agent(unfit="there is no key")), {}, {ended().name: ended()})
    assert seen["high"].unfit == "there is no key"


def test_a_session_recovers_only_where_it_was_over() -> None:
    assert recovery_of(an_agent(), {ended().name: ended()}) == "session.recovered"
    assert recovery_of(an_agent(), {}) == "tier.recovered"
    assert recovery_of(an_agent(), {the_key().name: the_key(recent="--")}) == "tier.recovered"
    assert recovery_of(a_tier("high"), {ended().name: ended()}) == "tier.recovered"
