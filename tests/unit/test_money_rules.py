"""Prices, bounds, settlements and windows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from koubou.model.call import Bill, Usage
from koubou.model.instant import instant
from koubou.model.money import FREE, MILLION, USD, Price, Rates, nano, show_usd
from koubou.rules.bound import affordable_cap, bound, bounded_input, input_bound
from koubou.rules.price import cost
from koubou.rules.rate import conforms_at, next_due
from koubou.rules.settle import settlement
from koubou.rules.windows import month
from tests.builders import a_price, a_tier


def test_cached_tokens_are_part_of_the_input_and_reasoning_of_the_output() -> None:
    usage = Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=100, reasoning_tokens=90)
    assert cost(usage, a_price(1, 10)) == 600 * 1_000 + 400 * 100 + 100 * 10_000


def test_a_cost_is_rounded_up() -> None:
    rates = Rates(input=1, output=1, cached_input=1, cache_write=1)
    assert cost(Usage(input_tokens=1, output_tokens=0), Price(base=rates)) == 1


def test_long_context_rates_the_whole_request_again() -> None:
    dear = a_price(2, 20).base
    price = a_price(1, 10, steps=((1_000, dear),))
    assert cost(Usage(input_tokens=1_000, output_tokens=0), price) == 1_000 * 1_000
    assert cost(Usage(input_tokens=1_001, output_tokens=0), price) == 1_001 * 2_000


def test_the_bound_expects_the_dearest_rate_that_the_request_can_meet() -> None:
    price = a_price(1, 10, steps=((1_000, a_price(2, 20).base),))
    assert bound(price, 1_000, 10) == 1_000 * 1_000 + 10 * 10_000
    assert bound(price, 1_001, 10) == 1_001 * 2_000 + 10 * 20_000


def test_an_affordable_cap_is_the_largest_whose_bound_fits() -> None:
    price = a_price(1, 10)
    cap = affordable_cap(price, 100, 5_000_000)
    assert cap is not None
    assert bound(price, 100, cap) <= 5_000_000 < bound(price, 100, cap + 1)
    assert affordable_cap(price, 100, 10) == -1
    assert affordable_cap(FREE, 100, 0) is None


def test_the_input_bound_counts_frames_of_request_and_messages() -> None:
    assert input_bound(100, 2) > 100 + 2 * 4


def test_only_a_window_that_is_known_bounds_what_is_read() -> None:
    bytes_alone = input_bound(1_000, 2)
    assert bounded_input(a_tier(context_tokens=5), 1_000, 2) == bytes_alone
    assert bounded_input(a_tier(window=700), 1_000, 2) == 700
    assert bounded_input(a_tier(window=10_000), 1_000, 2) == bytes_alone


def test_the_bound_bears_writes_for_an_hour() -> None:
    rates = Rates(input=1_000, output=0, cached_input=100, cache_write=1_250, cache_write_1h=2_000)
    assert bound(Price(base=rates), MILLION, 0) == 2_000
    written = Usage(input_tokens=1_000_000, output_tokens=0, cache_write_tokens=500_000, cache_write_1h_tokens=400_000)
    assert cost(written, Price(base=rates)) == 500 + 125 + 800


def test_hour_long_writes_cost_as_others_do_where_nothing_else_is_said() -> None:
    assert Rates(input=1, output=1, cached_input=1, cache_write=7).cache_write_1h == 7


def test_parts_above_their_whole_are_charged_each() -> None:
    usage = Usage(input_tokens=10, output_tokens=0, cached_input_tokens=20, cache_write_1h_tokens=30)
    rates = Rates(input=1, output=1, cached_input=2 * MILLION, cache_write=3 * MILLION, cache_write_1h=5 * MILLION)
    assert cost(usage, Price(base=rates)) == 20 * 2 + 30 * 5
    dear = Rates(input=1, output=1, cached_input=MILLION, cache_write=MILLION)
    assert cost(usage, Price(base=rates, steps=((49, dear),))) == 50


def test_reported_usage_is_settled_at_its_cost() -> None:
    outcome = settlement(
        bill=Bill.REPORTED, usage=Usage(input_tokens=10, output_tokens=10), price=a_price(1, 10), hold=USD
    )
    assert (outcome.amount, outcome.unreconciled, outcome.above_hold) == (110_000, False, False)


def test_without_evidence_the_whole_hold_is_settled_and_marked() -> None:
    for bill, usage in ((Bill.UNKNOWN, None), (Bill.REPORTED, None)):
        outcome = settlement(bill=bill, usage=usage, price=a_price(), hold=77)
        assert (outcome.amount, outcome.unreconciled) == (77, True)


def test_money_comes_back_on_evidence_of_no_bill() -> None:
    assert settlement(bill=Bill.NONE, usage=None, price=a_price(), hold=77).released


def test_a_bill_above_its_hold_is_settled_as_it_is_and_told() -> None:
    usage = Usage(input_tokens=10, output_tokens=10)
    outcome = settlement(bill=Bill.REPORTED, usage=usage, price=a_price(1, 10), hold=1)
    assert (outcome.amount, outcome.above_hold) == (110_000, True)


def test_the_month_is_that_of_the_operators_time_zone() -> None:
    at = instant(datetime(2026, 11, 30, 20, 0, tzinfo=UTC))
    assert month(at, UTC) == ("month:2026-11", instant(datetime(2026, 12, 1, tzinfo=UTC)))
    name, reopens = month(at, ZoneInfo("Asia/Tokyo"))
    assert name == "month:2026-12"
    assert reopens == instant(datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")))


def test_usd_is_parsed_exactly_and_rounded_up() -> None:
    assert nano("0.1") == 100_000_000
    assert nano("0.0000000001") == 1
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive time is the point


def test_amounts_read_like_money() -> None:
    assert [show_usd(amount) for amount in (0, USD, 21_300_000, 1)] == ["$0.00", "$1.00", "$0.0213", "$0.00"]


def test_a_rate_lets_no_minute_pass_more_than_its_limit_and_burst() -> None:
    per_minute, due, now, admitted = 60, 0, 10**15, []
    for _ in range(20_000):
        if conforms_at(due, 1, per_minute) <= now:
            admitted.append(now)
            due = next_due(now, due, 1, per_minute)
        now += 10_000
    for first in admitted:
        window = [at for at in admitted if first <= at < first + 60 * MILLION]
        assert len(window) <= per_minute + per_minute // 6 + 1
    assert len(admitted) >= 200 * per_minute // 60
