from __future__ import annotations

from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest

from koubou.model.instant import DAY, HOUR
from koubou.model.money import USD
from koubou.rules.days import begins, day_of, month_days
from koubou.rules.forecast import forecast, how_many_fit, points, reached_at

FIRST = date(2027, 1, 1)
NOON_OF_THE_FOURTH = begins(date(2027, 1, 4), UTC) + DAY // 2


def test_days_of_equal_spending_lead_straight_to_the_end_of_the_month() -> None:
    found = forecast([(1.0, 2 * USD), (2.0, 4 * USD), (3.0, 6 * USD)], 31.0)
    assert found is not None
    assert (found.amount, found.low, found.high) == (62 * USD, 62 * USD, 62 * USD)
    assert (found.per_day, found.r_squared, found.days) == (2 * USD, 1.0, 3)


def test_the_forecast_is_that_of_ordinary_least_squares() -> None:
    # By hand: x = 1 2 3 4, y = 1 3 4 8: slope 2.2, intercept -1.5, residuals 0.3 0.1 -1.1 0.7, their squares 1.8,
    # s = sqrt(1.8 / 2), varied 26; at 10 the line says 20.5, and the margin is 4.303 * s * sqrt(1 + 1/4 + 7.5^2 / 5).
    found = forecast([(1.0, 1 * USD), (2.0, 3 * USD), (3.0, 4 * USD), (4.0, 8 * USD)], 10.0)
    assert found is not None
    margin = 4.303 * 0.9486833 * 3.5355339
    assert found.amount / USD == pytest.approx(20.5)
    assert found.high / USD == pytest.approx(20.5 + margin, rel=1e-6)
    assert found.low / USD == 8.0, "never below what is spent already, though the interval begins lower"
    assert found.r_squared == pytest.approx(1 - 1.8 / 26)
    assert found.per_day / USD == pytest.approx(2.2)


def test_fewer_than_three_days_lead_nowhere() -> None:
    assert forecast([(1.0, USD), (2.0, 2 * USD)], 31.0) is None
    assert forecast([], 31.0) is None


def test_days_without_spending_explain_nothing_and_forecast_nothing() -> None:
    found = forecast([(1.0, 0), (2.0, 0), (3.0, 0)], 31.0)
    assert found is not None
    assert (found.amount, found.high, found.r_squared) == (0, 0, None)


def test_a_bill_that_was_corrected_downwards_is_no_forecast_below_what_is_spent() -> None:
    found = forecast([(1.0, 9 * USD), (2.0, 6 * USD), (3.0, 5 * USD)], 31.0)
    assert found is not None
    assert (found.amount, found.low, found.per_day) == (5 * USD, 5 * USD, 0)


def test_a_day_counts_at_its_end_and_today_by_the_part_that_has_passed() -> None:
    spent = {date(2027, 1, 1): USD, date(2027, 1, 3): 2 * USD, date(2027, 1, 4): USD}
    assert points(spent, FIRST, NOON_OF_THE_FOURTH, UTC) == [
        (1.0, USD),
        (2.0, USD),
        (3.0, 3 * USD),
        (3.5, 4 * USD),
    ]


def test_a_limit_is_reached_when_what_is_left_is_spent_at_the_rate_of_a_day() -> None:
    assert reached_at(3 * USD, 2 * USD, 0) == DAY + DAY // 2
    assert reached_at(0, USD, 5) == 5
    assert reached_at(USD, 0, 5) is None
    assert reached_at(500 * USD, 51, 5) is None, "in some ten thousand years"


def test_calls_fit_by_the_mean_of_those_that_were() -> None:
    assert how_many_fit(10 * USD, 3 * USD, 2) == 6
    assert how_many_fit(-USD, USD, 1) == 0
    assert how_many_fit(USD, 0, 7) is None


def test_a_day_begins_and_ends_where_its_time_zone_says() -> None:
    tokyo, berlin = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
    evening = begins(date(2027, 1, 15), UTC) + 16 * HOUR
    assert day_of(evening, UTC) == date(2027, 1, 15)
    assert day_of(evening, tokyo) == date(2027, 1, 16)
    assert begins(date(2027, 3, 29), berlin) - begins(date(2027, 3, 28), berlin) == 23 * HOUR
    assert begins(date(2027, 1, 16), tokyo) == begins(date(2027, 1, 15), UTC) + 15 * HOUR


def test_a_month_runs_to_the_first_day_of_the_next() -> None:
    assert month_days("2026-12") == (date(2026, 12, 1), date(2027, 1, 1))
    assert month_days("2028-02") == (date(2028, 2, 1), date(2028, 3, 1))


@pytest.mark.parametrize("word", ["2026", "2026-13", "26-11", "2026-1", "2026-11-01", "٢٠٢٦-11", "november", ""])
def test_what_is_no_month(word: str) -> None:
    with pytest.raises(ValueError):
        month_days(word)
