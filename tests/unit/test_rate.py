"""How fast a tier may be asked."""

from __future__ import annotations

import pytest

from koubou.rules.rate import BURST_SHARE, MINUTE_US, conforms_at, next_due
from tests.builders import a_bench, a_new_task, a_tier, tiers
from tests.turns import Workshop


@pytest.mark.parametrize(("per_minute", "weight"), [(10, 1), (60, 1), (6_000, 300), (5, 1), (3, 1)])
def test_no_minute_sees_more_than_the_limit_and_the_burst(per_minute: int, weight: int) -> None:
    """Somebody asks ten times a second, for five minutes."""
    due, passed = 0, []
    for now in range(MINUTE_US, 6 * MINUTE_US, MINUTE_US // 600):
        if conforms_at(due, weight, per_minute) <= now:
            due = next_due(now, due, weight, per_minute)
            passed.append(now)
    most = per_minute + max(weight, per_minute // BURST_SHARE)
    for begin in passed:
        assert sum(weight for at in passed if begin <= at < begin + MINUTE_US) <= most
    assert len(passed) * weight >= 5 * per_minute * 0.9, "what is allowed is let through"


@pytest.mark.parametrize("per_minute", [7, 7_001, 35_000_000, 90_000_000])
def test_what_is_rounded_never_adds_up_to_a_call_too_many(per_minute: int) -> None:
    due = 0
    for _ in range(1_000):
        due = next_due(0, due, 1, per_minute)
    assert due * per_minute >= 1_000 * MINUTE_US


def test_a_tier_is_asked_no_faster_than_its_rate() -> None:
    fit = tiers(a_tier("local", requests_per_minute=6))
    shop = Workshop(tiers=fit, benches=[a_bench("local")])
    shop.drop(*[a_new_task(f"t{number}", tier="local") for number in range(3)])
    assert len(shop.sent()) == 1
    shop.now += 9_000
    shop.turn()
    assert shop.sent() == []
    shop.now += 1_000
    shop.turn()
    assert len(shop.sent()) == 1


def test_who_needs_many_tokens_is_not_passed_by_those_who_need_few_nor_looked_at_all_the_time() -> None:
    fit = tiers(a_tier("local", tokens_per_minute=6_000, max_output_tokens=5_000))
    shop = Workshop(tiers=fit, benches=[a_bench("local")])
    shop.drop(a_new_task("first", tier="local", max_output_tokens=700))
    assert shop.sent() == ["first"]
    shop.drop(a_new_task("large", tier="local", max_output_tokens=4_000))
    shop.drop(a_new_task("small", tier="local", max_output_tokens=200))
    looks = shop.moved
    assert looks < 10, "a turn that looks at much is followed by another at once"
    for _ in range(120):
        shop.now += 1_000
        shop.turn()
        if shop.sent():
            break
    assert shop.sent()[0] == "large"
