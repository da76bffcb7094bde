"""When a provider's model is left alone, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from koubou.model.call import ErrorClass
from koubou.model.circuit import BreakerRules, Circuit, CircuitState, Health
from koubou.model.instant import MINUTE, SECOND
from koubou.rules.breaker import (
    Seen,
    after_call,
    after_check,
    as_resting,
    circuit_of,
    circuits_of,
    closed,
    is_due,
    is_good,
    opened,
    quiet_until,
    state_of,
)
from tests.builders import NOW, a_tier, an_error, tiers

RULES = BreakerRules()
NEW = Circuit(name="openai gpt")
WELL, SICK = Health(well=True, reason="well"), Health(well=False, reason="no connection")


def after(calls: str, circuit: Circuit = NEW, rules: BreakerRules = RULES) -> Circuit:
    """The circuit after calls, + or - each, one a second."""
    for number, call in enumerate(calls):
        at = NOW + number * SECOND
        circuit = after_call(circuit, Seen(good=call == "+", began=at, reason="it is broken"), rules, at)
    return circuit


def half_open(**changes: object) -> Circuit:
    return replace(NEW, state=CircuitState.HALF_OPEN, wait=MINUTE, opened_at=NOW, changed_at=NOW, **changes)  # type: ignore[arg-type]


@given(some.text("+-", max_size=60))
def test_five_in_a_row_or_half_of_the_last_twenty_open_it_and_nothing_else(calls: str) -> None:
    seen = ""
    for call in calls:
        seen += call
        must = seen.endswith("-----") or seen[-20:].count("-") >= 10
        assert (after(seen).state is CircuitState.OPEN) == must, seen
        if must:
            return


def test_what_an_operator_sets_counts() -> None:
    rules = BreakerRules(in_a_row=2, of_last=4, share=0.75)
    assert after("-", rules=rules).state is CircuitState.CLOSED
    assert after("--", rules=rules).state is CircuitState.OPEN
    assert after("-+-", rules=rules).state is CircuitState.CLOSED
    assert after("-+--", rules=rules).state is CircuitState.OPEN


def test_a_model_that_is_missing_is_left_alone_at_once() -> None:
    seen = Seen(good=False, began=NOW, reason="no such model", for_good=True)
    assert after_call(NEW, seen, RULES, NOW).state is CircuitState.OPEN


def test_each_time_that_it_is_tried_in_vain_it_is_left_alone_for_twice_as_long() -> None:
    circuit, waits = NEW, []
    for _ in range(6):
        circuit = opened(circuit, "broken", RULES, NOW)
        waits.append(circuit.wait // MINUTE)
        assert circuit.retry_at == NOW + circuit.wait
    assert waits == [1, 2, 4, 8, 15, 15]
    assert circuit.opened_at == NOW
    assert opened(closed(circuit, NOW), "broken", RULES, NOW).wait == MINUTE


def test_three_good_calls_close_it_and_one_bad_one_opens_it_again() -> None:
    assert after("++", half_open()).state is CircuitState.HALF_OPEN
    good = after("+++", half_open())
    assert (good.state, good.opened_at, good.wait, good.recent) == (CircuitState.CLOSED, None, 0, "")
    bad = after("++-", half_open())
    assert (bad.state, bad.wait, bad.successes) == (CircuitState.OPEN, 2 * MINUTE, 0)


@pytest.mark.parametrize("good", [True, False])
def test_a_call_that_was_begun_before_says_nothing_of_now(good: bool) -> None:
    late = Seen(good=good, began=NOW - 1, reason="", for_good=True)
    for circuit in (half_open(), replace(NEW, changed_at=NOW), opened(NEW, "", RULES, NOW)):
        assert after_call(circuit, late, RULES, NOW + SECOND) == circuit


def test_an_open_one_is_closed_by_no_call() -> None:
    broken = opened(NEW, "broken", RULES, NOW)
    assert after("+++++", broken) == broken


def test_its_server_is_asked_when_its_wait_is_over_and_not_before() -> None:
    broken = opened(NEW, "broken", RULES, NOW)
    assert not is_due(broken, NOW + MINUTE - 1)
    assert is_due(broken, NOW + MINUTE)
    assert not is_due(replace(broken, retry_at=None), NOW + 99 * MINUTE)
    assert not is_due(half_open(retry_at=NOW), NOW)
    sick = after_check(broken, SICK, RULES, NOW + MINUTE)
    assert (sick.state, sick.retry_at, sick.reason) == (CircuitState.OPEN, NOW + 2 * MINUTE, "no connection")
    well = after_check(broken, WELL, RULES, NOW + MINUTE)
    assert (well.state, well.retry_at, well.changed_at) == (CircuitState.HALF_OPEN, None, NOW + MINUTE)


@pytest.mark.parametrize("circuit", [NEW, half_open()])
def test_word_of_a_server_that_nobody_waits_for_changes_nothing(circuit: Circuit) -> None:
    assert after_check(circuit, WELL, RULES, NOW) == circuit
    assert after_check(circuit, SICK, RULES, NOW) == circuit


@pytest.mark.parametrize(
    ("kind", "good"),
    [(kind, False) for kind in ("server", "proxy", "cut", "timeout", "unreachable", "model")]
    + [(kind, None) for kind in ("rate", "quota", "auth", "bad_request", "context", "policy", "lost", "cancelled")],
)
def test_only_what_is_the_providers_fault_counts_against_it(kind: str, good: bool | None) -> None:
    assert is_good(an_error(ErrorClass(kind)), 1, a_tier()) is good


def test_a_slow_answer_counts_as_none() -> None:
    tier = a_tier(slow_after=10 * SECOND)
    assert is_good(None, 10 * SECOND, tier) is True
    assert is_good(None, 10 * SECOND + 1, tier) is False
    assert is_good(None, 99 * MINUTE, a_tier()) is True


def test_how_long_a_program_works_says_nothing_of_the_program() -> None:
    late = an_error(ErrorClass.TIMEOUT)
    assert is_good(late, 1, a_tier()) is False
    for executor in ("command:tidy", "codex", "claude"):
        assert is_good(late, 1, a_tier(executor=executor)) is None
        assert is_good(an_error(ErrorClass.SERVER), 1, a_tier(executor=executor)) is False


def test_tiers_of_one_model_at_one_address_stand_and_fall_together_and_each_with_its_key() -> None:
    one, two = a_tier("high", model="gpt"), a_tier("medium", model="gpt")
    assert circuit_of(one) == circuit_of(two)
    assert circuit_of(replace(two, base_url="http://127.0.0.1:8/v1")) != circuit_of(one)
    assert set(circuits_of(one)) & set(circuits_of(two)) == {circuit_of(one)}


def test_a_tier_behind_an_open_circuit_is_not_offered_and_says_why() -> None:
    high, medium, _ = all_tiers = list(tiers().values())
    model, key = circuits_of(high)
    for name in (model, key):
        circuits = {name: opened(replace(NEW, name=name), "it is broken", RULES, NOW)}
        resting = as_resting(tiers(*all_tiers), circuits)
        assert "left alone: it is broken" in (resting["high"].unfit or "")
        assert resting["medium"].unfit is None
        assert state_of(high, circuits) is CircuitState.OPEN
        assert state_of(medium, circuits) is CircuitState.CLOSED
    trying = {model: replace(half_open(), name=model)}
    assert as_resting(tiers(*all_tiers), trying)["high"].unfit is None
    assert state_of(high, trying) is CircuitState.HALF_OPEN
    both = trying | {key: opened(replace(NEW, name=key), "", RULES, NOW)}
    assert state_of(high, both) is CircuitState.OPEN


def test_silence_that_was_asked_for_outlives_every_state() -> None:
    quiet = replace(NEW, name=circuit_of(a_tier()), quiet_until=NOW + MINUTE)
    for circuit in (quiet, opened(quiet, "", RULES, NOW), closed(opened(quiet, "", RULES, NOW), NOW)):
        assert quiet_until(a_tier(), {circuit.name: circuit}, NOW) == NOW + MINUTE
        assert quiet_until(a_tier(), {circuit.name: circuit}, NOW + MINUTE) is None


def test_a_clock_that_is_set_back_keeps_no_circuit_open_or_half_open() -> None:
    day = 24 * 60 * MINUTE
    later = opened(Circuit(name="x"), "down", BreakerRules(), NOW + day)
    assert is_due(later, NOW)
    half = after_check(later, Health(well=True, reason=""), BreakerRules(), NOW + day)
    for _ in range(BreakerRules().successes):
        half = after_call(half, Seen(good=True, began=NOW), BreakerRules(), NOW + 1)
    assert half.state is CircuitState.CLOSED
