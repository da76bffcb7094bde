"""What a guardian should hear of people."""

import pytest

from koubou.model.access import Caller, Role
from koubou.model.instant import DAY, SECOND
from koubou.model.money import USD
from koubou.rules.alarms import (
    MOST_REFUSED,
    NOBODY,
    WITHIN,
    Refusals,
    after_refusal,
    delay_after,
    is_spend_to_be_told,
    is_to_be_told,
    is_unusual,
    who_was_refused,
)

NOW = 1_800_000_000_000
USUAL = [USD, 2 * USD, 3 * USD]


def test_refusals_add_up_within_ten_minutes_and_begin_anew_after() -> None:
    refusals = None
    for number in range(3):
        refusals = after_refusal(refusals, NOW + number)
    assert refusals == Refusals(since=NOW, count=3)
    assert after_refusal(refusals, NOW + WITHIN) == Refusals(since=NOW + WITHIN, count=1)


def test_a_clock_that_was_set_back_begins_anew() -> None:
    assert after_refusal(Refusals(since=NOW, count=9), NOW - 1).count == 1


@pytest.mark.parametrize(
    ("count", "told_at", "told"),
    [
        (MOST_REFUSED - 1, None, False),
        (MOST_REFUSED, None, True),
        (MOST_REFUSED, NOW - DAY + 1, False),
        (MOST_REFUSED, NOW - DAY, True),
        (MOST_REFUSED, NOW + DAY, True),
    ],
)
def test_the_tenth_is_told_once_a_day(count: int, told_at: int | None, told: bool) -> None:
    assert is_to_be_told(Refusals(since=NOW, count=count, told_at=told_at), NOW) is told


def test_who_says_no_name_is_counted_by_where_he_comes_from() -> None:
    nobody = Caller(actor=NOBODY, role=Role.VIEWER, uid=-1, source="api 10.0.0.7")
    assert who_was_refused(nobody) == "api 10.0.0.7"
    assert who_was_refused(Caller(actor="token:ci", role=Role.VIEWER, uid=1, source="api 10.0.0.7")) == "token:ci"


def test_a_delay_grows_with_failures_and_has_an_end() -> None:
    delays = [delay_after(number) for number in range(40)]
    assert delays[:5] == [0, 0, 0, SECOND, 2 * SECOND]
    assert delays == sorted(delays)
    assert delays[-1] == 30 * SECOND


@pytest.mark.parametrize(
    ("today", "days", "unusual"),
    [
        (10 * USD, USUAL, False),
        (10 * USD + 1, USUAL, True),
        (10 * USD + 1, USUAL[:2], False),
        (USD, [1, 1, 1], False),
        (USD + 1, [1, 1, 1], True),
        (100 * USD, [], False),
    ],
)
def test_five_usual_days_and_a_dollar_are_unusual(today: int, days: list[int], unusual: bool) -> None:
    assert is_unusual(today, days) is unusual


def test_spending_is_told_once_a_day() -> None:
    assert is_spend_to_be_told(None, NOW)
    assert not is_spend_to_be_told(NOW - DAY + 1, NOW)
    assert is_spend_to_be_told(NOW - DAY, NOW)


def test_refusals_that_were_counted_elsewhere_count_as_many_as_they_are() -> None:
    first = after_refusal(None, NOW, 3)
    assert after_refusal(first, NOW + 1, 8).count == 11
