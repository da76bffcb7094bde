"""What like tasks have taught: up where a tier does a type poorly, down only where people praise it."""

from __future__ import annotations

import pytest

from koubou.model.experience import Experience
from koubou.model.task import Difficulty
from koubou.rules.experience import ENOUGH, LOOK_AGAIN, PRAISED, learned, vain_at_least
from tests.builders import ROUTING

LOW, MEDIUM, HIGH = Difficulty.LOW, Difficulty.MEDIUM, Difficulty.HIGH
POOR = Experience(answered=6, poor=10)
WELL = Experience(answered=60, poor=1)
PRAISE = Experience(answered=20, good=PRAISED, praised=PRAISED)


def found(by_score: Difficulty, seq: int = 1, **known: Experience) -> Difficulty:
    return learned(by_score, "bug_fix", ROUTING.tiers, known, seq)[0]


@pytest.mark.parametrize(("by_score", "tier", "above"), [(LOW, "local", MEDIUM), (MEDIUM, "medium", HIGH)])
def test_a_type_that_a_tier_does_poorly_goes_one_level_up(by_score: Difficulty, tier: str, above: Difficulty) -> None:
    assert found(by_score) is by_score
    assert found(by_score, **{tier: WELL}) is by_score
    assert found(by_score, **{tier: POOR}) is above


def test_the_reason_names_the_tier_and_the_numbers() -> None:
    _, reason = learned(LOW, "bug_fix", ROUTING.tiers, {"local": POOR}, 1)
    assert reason is not None
    assert reason.rule == "difficulty.experience"
    for part in ("up from low", "10 of 16 bug fix tasks", "local", "limit is 30%"):
        assert part in reason.reason


def test_nothing_is_above_the_top() -> None:
    assert found(HIGH, high=POOR) is HIGH


def test_it_does_not_go_up_where_the_tier_above_does_no_better() -> None:
    assert found(LOW, local=POOR, medium=POOR) is LOW


def test_it_does_not_move_within_one_tier() -> None:
    one = dict.fromkeys(Difficulty, "local")
    assert learned(LOW, "general", one, {"local": POOR}, 1) == (LOW, None)
    assert learned(MEDIUM, "general", one, {"local": PRAISE}, 1) == (MEDIUM, None)


def test_few_cases_prove_nothing() -> None:
    assert found(LOW, local=Experience(poor=ENOUGH - 1)) is LOW
    assert found(LOW, local=Experience(poor=ENOUGH)) is MEDIUM


@pytest.mark.parametrize(
    ("experience", "wanted"),
    [
        (Experience(answered=20, bad=15), MEDIUM),  # answered, and people called most of it bad
        (Experience(answered=20, retried=3), LOW),
        (Experience(answered=20, retried=45), MEDIUM),
        (Experience(answered=6, poor=4), LOW),  # 4 of 10 may be chance
        (Experience(answered=60, poor=40), MEDIUM),  # 40 of 100 is not
        (Experience(bad=50), LOW),
    ],
)
def test_what_counts_as_poor(experience: Experience, wanted: Difficulty) -> None:
    assert found(LOW, local=experience) is wanted


def test_the_bound_is_that_of_wilson() -> None:
    assert vain_at_least(Experience(answered=80, poor=20)) == pytest.approx(0.1423, abs=0.0005)
    assert vain_at_least(Experience(answered=20)) == pytest.approx(0, abs=1e-9)


def test_a_level_down_takes_praise_and_no_bad_word_since() -> None:
    assert found(MEDIUM, local=PRAISE) is LOW
    assert found(MEDIUM, local=Experience(answered=900, good=900, praised=PRAISED - 1)) is MEDIUM
    assert found(MEDIUM, local=WELL) is MEDIUM  # answered without complaint is no praise
    assert found(LOW, local=PRAISE) is LOW


def test_praise_does_not_hide_that_it_goes_badly() -> None:
    assert found(MEDIUM, local=Experience(answered=12, poor=20, good=12, praised=12)) is MEDIUM


def test_a_tier_that_did_poorly_is_looked_at_again_now_and_then() -> None:
    went = [found(LOW, seq=seq, local=POOR) for seq in range(2 * LOOK_AGAIN)]
    assert went.count(LOW) == 2
