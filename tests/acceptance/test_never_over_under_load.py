"""The provider's bill never passes the limit, however much is asked at once, and what is left can be spent."""

from __future__ import annotations

from simulator import Simulator
from till import (
    DOLLAR,
    NeverAbove,
    drop_tasks,
    run_a_twin,
    spend_what_is_left,
    wait_for_rest,
    with_a_dear_tier,
)
from workshop import OpenWorkshop, a_tier

NEVER_OPEN = {"in_a_row": 1000, "share": 1, "of_last": 1000}
"""For a breaker that looks on."""


def test_sixty_four_places_and_two_thousand_tasks_spend_a_month_of_one_dollar_and_no_more(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(latency_ms=15, output_tokens=20)
    workshop = open_workshop(**with_a_dear_tier(provider, 1)).start()
    need = run_a_twin(workshop)
    with NeverAbove(provider, DOLLAR):
        drop_tasks(workshop, *(f"t{number}" for number in range(2_000)))
        wait_for_rest(workshop)
    bill = provider.bill()
    assert bill["peak"] > 32
    assert bill["nusd"] > 0.98 * DOLLAR
    assert workshop.month()["settled_nusd"] == bill["nusd"]
    spend_what_is_left(workshop, need)
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_calls_that_are_slowed_down_or_fail_cost_nothing_and_what_is_tried_again_is_held_for_again(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    provider.behave(latency_ms=10, output_tokens=20, errors={"rate": 0.3, "server": 0.2}, seed=3)
    workshop = open_workshop(**with_a_dear_tier(provider, 0.2, retries=9), breaker=NEVER_OPEN).start()
    need = run_a_twin(workshop)
    with NeverAbove(provider, DOLLAR // 5):
        drop_tasks(workshop, *(f"t{number}" for number in range(150)))
        wait_for_rest(workshop)
    bill = provider.bill()
    assert bill["kinds"]["rate"] > 20
    assert bill["kinds"]["server"] > 10
    assert bill["nusd"] > 0.19 * DOLLAR
    assert workshop.failed == set()
    assert workshop.month()["settled_nusd"] == bill["nusd"]
    provider.behave(errors={})
    spend_what_is_left(workshop, need)
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]


def test_what_a_chain_of_tiers_tries_in_turn_stays_within_the_limit(
    open_workshop: OpenWorkshop, provider: Simulator
) -> None:
    """The first tier fails always, the second half the time, the third is local and free."""
    provider.behave(latency_ms=5, output_tokens=20, seed=4)
    provider.behave(model="gpt-5", errors={"server": 1.0})
    provider.behave(model="gpt-dear", errors={"server": 0.5})
    settings = with_a_dear_tier(provider, 0.1, retries=1, fallback="local")
    dearest = a_tier(provider, "cloud", "gpt-5", retries=1, retry_delay="10ms", fallback="dear")
    settings["tiers"] = {"high": dearest, **settings["tiers"]}
    workshop = open_workshop(**settings, breaker=NEVER_OPEN).start()
    provider.behave(model="gpt-dear", errors={})
    need = run_a_twin(workshop)
    provider.behave(model="gpt-dear", errors={"server": 0.5})
    with NeverAbove(provider, DOLLAR // 10):
        drop_tasks(workshop, *(f"t{number}" for number in range(80)), tier="high")
        why = wait_for_rest(workshop)
    bill = provider.bill()
    pages = bill["models"]
    assert (pages["gpt-5"]["nusd"], pages["gpt-5"]["answered"]) == (0, 0)
    assert pages["gpt-5"]["errors"] >= 160
    assert pages["house-model"]["answered"] > 5
    assert pages["gpt-dear"]["nusd"] > 0.07 * DOLLAR
    assert workshop.failed == set()
    assert set(why.values()) <= {"budget"}
    assert workshop.month()["settled_nusd"] == bill["nusd"]
    provider.behave(model="gpt-dear", errors={})
    spend_what_is_left(workshop, need)
    assert workshop.month()["settled_nusd"] == provider.bill()["nusd"]
