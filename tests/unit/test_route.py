"""Which tier takes a task."""

from koubou.model.decision import Refused, Routed
from koubou.model.status import Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity
from koubou.rules.route import choose_tier
from tests.builders import ROUTING, a_task, a_tier, tiers

CONFIDENTIAL = Sensitivity.CONFIDENTIAL


def routed(decision: Routed | Park | Refused) -> str:
    assert isinstance(decision, Routed), decision
    return decision.tier


def test_difficulty_names_the_tier() -> None:
    for difficulty, tier in ROUTING.tiers.items():
        assert routed(choose_tier(a_task(difficulty=difficulty), tiers(), ROUTING)) == tier


def test_a_wish_goes_before_difficulty() -> None:
    task = a_task(asked_tier="high", difficulty=Difficulty.LOW)
    assert routed(choose_tier(task, tiers(), ROUTING)) == "high"


def test_a_task_that_needs_capability_is_not_given_to_the_least_tier() -> None:
    task = a_task(difficulty=Difficulty.LOW, requires_high_capability=True)
    assert routed(choose_tier(task, tiers(), ROUTING)) == "medium"


def test_a_confidential_task_goes_to_a_local_tier_whatever_it_asks_for() -> None:
    for asked in (None, "high", "medium", "local"):
        task = a_task(sensitivity=CONFIDENTIAL, asked_tier=asked, difficulty=Difficulty.HIGH)
        assert routed(choose_tier(task, tiers(), ROUTING)) == "local"


def test_what_nobody_has_judged_stays_in_the_house() -> None:
    for asked in (None, "high"):
        assert routed(choose_tier(a_task(sensitivity=None, asked_tier=asked), tiers(), ROUTING)) == "local"


def test_a_confidential_task_without_a_local_tier_is_parked_for_secrecy() -> None:
    for local in ((), (a_tier("local", unfit="its server is unsafe"),)):
        decision = choose_tier(
            a_task(sensitivity=CONFIDENTIAL), tiers(a_tier("high"), a_tier("medium"), *local), ROUTING
        )
        assert isinstance(decision, Park)
        assert decision.reason is ParkReason.SECRECY


def test_a_tier_that_is_not_offered_is_passed_over_with_its_reason() -> None:
    shop = tiers(a_tier("high", unfit="no key in OPENAI_API_KEY"), a_tier("medium"), a_tier("local"))
    decision = choose_tier(a_task(difficulty=Difficulty.HIGH), shop, ROUTING)
    assert routed(decision) == "medium"
    assert isinstance(decision, Routed)
    assert any("no key in OPENAI_API_KEY" in reason.reason for reason in decision.reasons)


def test_without_any_tier_the_task_waits_and_says_why() -> None:
    shop = tiers(a_tier("medium", unfit="no key", fallback=None))
    decision = choose_tier(a_task(), shop, ROUTING)
    assert isinstance(decision, Park)
    assert decision.reason is ParkReason.TIER
    assert "no key" in decision.detail


def test_a_tier_that_was_tried_in_vain_is_not_tried_again() -> None:
    assert routed(choose_tier(a_task(given_up=("medium",)), tiers(), ROUTING)) == "local"


def test_when_all_were_tried_in_vain_the_task_is_refused() -> None:
    assert isinstance(choose_tier(a_task(given_up=("medium", "local")), tiers(), ROUTING), Refused)


def test_a_chain_that_bites_its_tail_ends() -> None:
    shop = tiers(a_tier("medium", fallback="high", unfit="down"), a_tier("high", fallback="medium", unfit="down"))
    assert isinstance(choose_tier(a_task(), shop, ROUTING), Park)


def test_a_task_that_asks_for_an_executor_gets_no_other() -> None:
    decision = choose_tier(a_task(executor="codex"), tiers(), ROUTING)
    assert isinstance(decision, Park)
    assert "asks for codex" in decision.detail
