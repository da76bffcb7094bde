"""How urgent a task is, and that nobody waits for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.model.instant import MINUTE, SECOND
from koubou.rules.priority import RIPE, STEP, effective, is_half_used, ripe_at, waiting_since
from tests.builders import NOW, an_account


def test_half_a_minute_of_waiting_makes_a_task_more_urgent_by_one_and_no_more_than_ten() -> None:
    ripe = ripe_at(NOW, 5, half_used=False)
    waited = (0, 15 * SECOND, 30 * SECOND, 150 * SECOND, 60 * MINUTE)
    assert [effective(ripe, NOW + each) for each in waited] == [5, 5.5, 6, 10, 10]


def test_who_used_more_than_half_of_his_own_budget_is_less_urgent_by_one() -> None:
    assert effective(ripe_at(NOW, 5, half_used=True), NOW) == 4
    assert is_half_used(an_account(settled=51, ceiling=100))
    assert not is_half_used(an_account(settled=50, ceiling=100))
    assert not is_half_used(an_account(settled=50, ceiling=None))


@pytest.mark.parametrize(
    ("not_before", "since"), [(None, NOW), (NOW + MINUTE, NOW + MINUTE), (NOW - MINUTE, NOW), (0, NOW)]
)
def test_waiting_counts_from_its_time_on_and_never_from_before_it_came(not_before: int | None, since: int) -> None:
    assert waiting_since(NOW, not_before) == since


task = some.tuples(some.integers(NOW - 10 * MINUTE, NOW), some.integers(1, 10), some.booleans())


@given(task, task)
def test_the_order_of_ripening_is_that_of_effective_priority(
    one: tuple[int, int, bool], other: tuple[int, int, bool]
) -> None:
    first, second = (ripe_at(since, priority, half_used=half) for since, priority, half in (one, other))
    urgent, less = effective(first, NOW), effective(second, NOW)
    if urgent > less:
        assert first < second
    if urgent == less < RIPE:
        assert first == second
    if urgent == less == RIPE and first != second:
        assert (effective(first, min(first, second)) == RIPE) == (first < second), "who is ripe first goes first"


@given(task, some.integers(1, 10), some.integers(1, 60 * MINUTE))
def test_nobody_who_comes_after_a_task_is_ripe_overtakes_it(
    one: tuple[int, int, bool], priority: int, later: int
) -> None:
    ripe = ripe_at(one[0], one[1], half_used=one[2])
    assert ripe < ripe_at(ripe + later, priority, half_used=False)
    assert ripe <= one[0] + RIPE * STEP
