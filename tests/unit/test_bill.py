from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from koubou.cli.budget.bill import Bill, read_bill
from koubou.errors import BillError
from koubou.model.account import Billed, Booking, HourSpend
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant
from koubou.model.money import USD
from koubou.rules.bill import Charge, booked_beside, by_hour, model_in_ledger, over_hours, spread

START: Instant = 1_800_000_000_000 // DAY * DAY
"""2027-01-15 00:00 UTC."""
NOW: Instant = START + DAY


def read(text: str, language: str | None = None) -> Bill:
    return read_bill(text.encode(), "bill", language, NOW)


def problems(text: str, language: str | None = None) -> list[str]:
    with pytest.raises(BillError) as refused:
        read(text, language)
    return [str(problem) for problem in refused.value.problems]


def charged(value: Any) -> list[tuple[str, Instant, Instant, Decimal]]:
    bill = read(value if isinstance(value, str) else json.dumps(value))
    return [(charge.model, charge.since, charge.until, charge.usd) for charge in bill.charges]


def test_a_bill_in_csv_has_model_hour_and_cost() -> None:
    text = "model,hour,cost_usd\ngpt-5,2027-01-15T00:00:00Z,0.25\n\ngpt-5-mini,2027-01-15T01:00:00+01:00,0.000001\n"
    assert charged(text) == [
        ("gpt-5", START, START + HOUR, Decimal("0.25")),
        ("gpt-5-mini", START, START + HOUR, Decimal("0.000001")),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Model;Timestamp;Cost USD\ngpt-5;1799971200;0.5\n",
        "start_time\tline_item\tamount_value\tamount_currency\n1799971200000\tgpt-5\t$0.5\tusd\n",
        "\ufeffhour,model,cost\r\n2027-01-15 00:00,gpt-5,5e-1\r\n",
        '[{"model": "gpt-5", "hour": 1799971200, "cost_usd": 0.5}]',
        '[{"hour": "2027-01-15T00:00:00Z", "model": "gpt-5", "usd": "0.5"}]',
    ],
)
def test_columns_may_be_named_as_people_name_them(text: str) -> None:
    assert charged(text) == [("gpt-5", START, START + HOUR, Decimal("0.5"))]


def test_a_date_alone_is_a_day_in_utc() -> None:
    assert charged("date,model,cost_usd\n2027-01-15,gpt-5,1\n") == [("gpt-5", START, START + DAY, Decimal(1))]


def test_a_time_without_a_zone_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert charged("hour,model,cost\n2027-01-15 00:00,gpt-5,1\n")[0][1] == START
    finally:
        monkeypatch.undo()
        time.tzset()


def test_pages_of_openai_are_read_in_dollars() -> None:
    result = {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"}}
    page = {
        "object": "page",
        "data": [
            {
                "object": "bucket",
                "start_time": START // 1000,
                "end_time": (START + DAY) // 1000,
                "results": [{**result, "line_item": "gpt-5-2025-08-07, input", "project_id": None}],
            }
        ],
        "has_more": True,
    }
    assert charged(page) == [("gpt-5-2025-08-07, input", START, START + DAY, Decimal("0.06"))]
    assert read(json.dumps(page)).more
    assert charged([page, page]) == charged(page) * 2
    page["data"][0]["results"][0]["line_item"] = None  # type: ignore[index]
    assert problems(json.dumps(page, indent=1)) == ["bill:9: names no model; ask OpenAI for group_by=line_item"]


def test_pages_of_anthropic_are_read_in_cents() -> None:
    result = {"currency": "USD", "amount": "123.45", "model": "claude-sonnet-4-5", "token_type": "output_tokens"}
    bucket = {"starting_at": "2027-01-15T00:00:00Z", "ending_at": "2027-01-16T00:00:00Z", "results": [result]}
    assert charged({"data": [bucket], "has_more": False}) == [
        ("claude-sonnet-4-5", START, START + DAY, Decimal("1.2345"))
    ]
    assert charged({"data": [{**bucket, "results": []}]}) == []


def test_every_mistake_is_told_with_its_line_and_without_its_value() -> None:
    text = "model,hour,cost_usd\n,2027-01-15,1\ngpt-5,soon,1\ngpt-5,2027-01-15,much\ngpt-5,2027-01-15,-1\ngpt-5\n"
    assert problems(text) == [
        "bill:2: names no model; add it to the export",
        "bill:3: has no time such as 2026-11-21T14:00:00Z, 2026-11-21, or seconds since 1970",
        "bill:4: has an amount that is no number of USD, such as 0.0123",
        "bill:5: has an amount below zero; leave credits out of the export",
        "bill:6: has an amount that is no number of USD, such as 0.0123",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hour,tokens\n1,2\n", "bill:1: has no column model nor cost_usd"),
        ("", "bill:1: has no column model nor hour nor cost_usd"),
        ('[{"model": "gpt-5"}]', "bill:1: has no column hour nor cost_usd"),
        ('[1]', "bill:1: must be an object with model, hour and cost_usd"),
        ('{"rows": []}', 'bill:1: is neither a list of rows nor a cost report: there is no list "data" in it'),
        ('{"data": [{"start_time": 1}]}', 'bill:1: must be an object with a time and a list "results"'),
        (
            '{"data": [{"start_time": 1, "results": [{"input_tokens": 5}]}]}',
            "bill:1: has no amount: a usage report counts tokens; ask for the cost report",
        ),
        ("model,hour,cost_usd,currency\na,2027-01-15,1,eur\n", "bill:2: is not in USD"),
        ("model,hour,until,cost_usd\na,2027-01-15,2027-01-14,1\n", "bill:2: ends before it begins"),
        ("model,hour,cost_usd\na,2027-01-15,NaN\n", "bill:2: has an amount that is no number of USD, such as 0.0123"),
        ('model,hour,cost_usd\n"a,2027-01-15,1\n', "bill:2: cannot be read as CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_what_is_no_bill_says_what_it_lacks(text: str, told: str) -> None:
    assert problems(text) == [told]


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        *((odd, "that is no number of USD, such as 0.0123") for odd in ("0.0_0_28", "٠.٠٠٢", "1e9999", "1.2.3", ".")),
        ("1000000000.000000001", "above $1,000,000,000"),
        ("1e10", "above $1,000,000,000"),
        ("-0.5", "below zero; leave credits out of the export"),
    ],
)
def test_an_amount_is_spelt_strictly_and_has_a_bound(amount: str, told: str) -> None:
    assert problems(f"model,hour,cost_usd\na,2027-01-15,{amount}\n") == [f"bill:2: has an amount {told}"]


@pytest.mark.parametrize(
    "hour",
    [
        "9999-12-31T23:00:00Z",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
        "1999-12-31T23:00:00Z",
        "2027-01-18T00:00:00.001Z",
        "99999999999999",
    ],
)
def test_a_time_that_no_bill_can_be_of_is_refused_at_its_row(hour: str) -> None:
    told = problems(f"model,hour,cost_usd\na,{hour},1\n")
    assert told == ["bill:2: is of a time before the year 2000, or more than two days ahead"]


def test_a_bill_may_be_of_any_day_since_2000_and_of_tomorrow_wherever_that_has_begun() -> None:
    for hour in ("2000-01-01T00:00:00Z", "2027-01-18T00:00:00Z"):
        assert len(charged(f"model,hour,cost_usd\na,{hour},1000000000\n")) == 1


def test_a_bill_of_a_head_alone_bills_nothing() -> None:
    assert charged("model,hour,cost_usd\n") == []


@pytest.mark.parametrize("text", ["[", '{"data": [}', "[" * 100_000, '[{"a": 1, "a": 2}]'])
def test_broken_json_is_refused_and_not_a_crash(text: str) -> None:
    assert len(problems(text)) == 1


def test_of_many_mistakes_the_first_are_told() -> None:
    told = problems("model,hour,cost_usd\n" + "a,b,c\n" * 1_000)
    assert len(told) == 21
    assert told[-1] == "bill: and 980 more"


def test_models_are_known_by_the_names_of_the_ledger() -> None:
    known = ["gpt-5", "gpt-5-mini-2025-08-07", "claude-haiku-4-5-20251001"]
    assert model_in_ledger("gpt-5-2025-08-07, cached input", known) == "gpt-5"
    assert model_in_ledger("gpt-5-mini", known) == "gpt-5-mini-2025-08-07"
    assert model_in_ledger("claude-haiku-4-5", known) == "claude-haiku-4-5-20251001"
    assert model_in_ledger("gpt-4o-2024-08-06, input", known) == "gpt-4o-2024-08-06"


def spent(hour: int, amount: int, unknown: int = 0, tier: str = "high") -> HourSpend:
    return HourSpend(model="gpt-5", tier=tier, hour=START + hour * HOUR, amount=amount, unknown=unknown)


def ledger(model: str, since: Instant, until: Instant) -> list[HourSpend]:
    known = [spent(1, 3 * USD), spent(9, 2 * USD, unknown=USD), spent(24, 100 * USD)]
    return [each for each in known if each.model == model and since <= each.hour < until]


def a_charge(usd: str, *, since: Instant = START, until: Instant = START + DAY, model: str = "gpt-5") -> Charge:
    return Charge(model=model, since=since, until=until, usd=Decimal(usd))


def test_a_day_is_laid_over_its_hours_what_is_known_first() -> None:
    charges = [a_charge("4.25"), a_charge("0.25", model="gpt-5-2025-08-07, output")]
    assert by_hour(charges, ["gpt-5"], ledger) == [
        Billed(model="gpt-5", hour=START + HOUR, amount=3 * USD),
        Billed(model="gpt-5", hour=START + 9 * HOUR, amount=3 * USD // 2),
    ]


@pytest.mark.parametrize(
    ("amount", "hours"),
    [
        (0, {1: 0, 9: 0}),
        (200, {1: 150, 9: 50}),  # less than is known: as the known parts are among themselves
        (400, {1: 300, 9: 100}),
        (450, {1: 300, 9: 150}),  # the rest pays for what was unknown
        (500, {1: 300, 9: 200}),
        (600, {1: 360, 9: 240}),  # above the ledger, in every hour
    ],
)
def test_known_spending_is_billed_before_what_is_unknown(amount: int, hours: dict[int, int]) -> None:
    found = over_hours(amount, [spent(1, 200), spent(1, 100, tier="low"), spent(9, 200, unknown=100)])
    assert found == {START + hour * HOUR: part for hour, part in hours.items()}


def test_nothing_in_the_ledger_is_nothing_to_lay_it_over() -> None:
    assert over_hours(5, []) == {}
    assert over_hours(5, [spent(1, 0)]) == {}


def a_booking(begun: int, ended: int | None, amount: int) -> Booking:
    return Booking(begun=START + begun, ended=None if ended is None else START + ended, amount=amount)


def test_a_day_also_bills_calls_that_the_ledger_has_beside_it_or_not_yet() -> None:
    late = a_booking(-MINUTE, SECOND, 50)
    under_way = a_booking(20 * HOUR + 30 * MINUTE, None, 70)
    of_the_day = a_booking(HOUR - SECOND, HOUR + SECOND, 1_000)
    beside = booked_beside([late, under_way, of_the_day, a_booking(30 * HOUR, None, 5)], START, START + DAY)
    assert beside == {START: 50, START + 20 * HOUR: 70}
    known = [spent(1, 200), spent(9, 100, unknown=100)]
    assert over_hours(300, known, beside) == {START + HOUR: 200, START + 9 * HOUR: 100}
    booked = over_hours(420, known, beside)
    assert booked == {START: 50, START + HOUR: 200, START + 9 * HOUR: 100, START + 20 * HOUR: 70}
    assert sum(over_hours(1_000, known, beside).values()) == 1_000
    assert sum(over_hours(1_000, [], beside).values()) == 1_000


def test_a_call_under_way_is_part_of_the_bill_of_its_day() -> None:
    charges = [a_charge("0.0000001", model="new")]
    found = by_hour(charges, [], ledger, lambda *_: [a_booking(20 * HOUR, None, 200)])
    assert found == [Billed(model="new", hour=START + 19 * HOUR, amount=100)], "by either clock"


def test_a_day_of_which_the_ledger_knows_nothing_is_billed_to_its_first_hour() -> None:
    assert by_hour([a_charge("2", model="other")], [], ledger) == [Billed(model="other", hour=START, amount=2 * USD)]


def test_charges_of_an_hour_are_summed_before_they_are_rounded_up() -> None:
    minutes = [
        a_charge("0.0000000004", since=START + number * 60_000, until=START + number * 60_000 + 60_000)
        for number in range(5)
    ]
    assert by_hour(minutes, ["gpt-5"], ledger) == [Billed(model="gpt-5", hour=START, amount=2)]


def test_what_cannot_be_parted_goes_to_the_largest_remainders() -> None:
    assert spread(5, {1: 0, 2: 3, 3: 4, 4: 3}) == {1: 0, 2: 2, 3: 2, 4: 1}
    assert spread(1, {1: 0, 2: 3}) == {1: 0, 2: 1}
    assert spread(5, {1: 0}) == {}


@given(
    st.integers(0, 1_000) | st.integers(0, 10**12),
    st.dictionaries(st.integers(0, 23), st.integers(0, 1_000) | st.integers(0, 10**12), min_size=1),
)
def test_what_is_spread_is_neither_lost_nor_above_its_hour(amount: int, over: dict[int, int]) -> None:
    assume(any(over.values()))
    parts = spread(amount, over)
    assert sum(parts.values()) == amount
    assert parts.keys() == over.keys()
    if amount <= sum(over.values()):
        assert all(parts[hour] <= over[hour] for hour in over)
    else:
        assert all(parts[hour] >= over[hour] for hour in over)
