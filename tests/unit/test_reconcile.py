"""What a provider's bill corrects in the ledger, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from koubou.model.account import Billed, Booking, HourSpend
from koubou.model.instant import HOUR, MINUTE, SECOND, iso
from koubou.model.money import USD
from koubou.rules.reconcile import Comparison, by_model, compare, reconciled
from tests.builders import NOW

FIRST = NOW // HOUR * HOUR


def spent(hour: int, amount: int, unknown: int = 0, tier: str = "t") -> HourSpend:
    return HourSpend(model="m", tier=tier, hour=FIRST + hour * HOUR, amount=amount, unknown=unknown)


def bill(**hours: int) -> list[Billed]:
    """`h0=5` is five nano-dollars in the first hour."""
    return [Billed(model="m", hour=FIRST + int(hour[1:]) * HOUR, amount=amount) for hour, amount in hours.items()]


def a_call(hour: int, begun: int, ended: int | None, amount: int) -> Booking:
    """A call that began so long after an hour's beginning, and ended."""
    at = FIRST + hour * HOUR
    return Booking(begun=at + begun, ended=None if ended is None else at + ended, amount=amount)


def lines(billed: Sequence[Billed], known: Sequence[HourSpend], *around: Booking) -> dict[int, Any]:
    """The lines of each hour that gets any."""
    groups = compare(billed, known, around).groups
    return {(group.bill.hour - FIRST) // HOUR: list(group.lines) for group in groups if group.lines}


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        (100, {}),
        (130, {0: [("big", 30)]}),
        (95, {0: [("small", -5)]}),
        (60, {0: [("small", -10), ("big", -20)]}),
        (0, {0: [("small", -10), ("big", -20)]}),
    ],
)
def test_a_bill_gives_back_what_was_unknown_and_no_more(billed: int, expected: dict[int, Any]) -> None:
    assert lines(bill(h0=billed), [spent(0, 30, 10, "small"), spent(0, 70, 20, "big")]) == expected


def test_a_bill_for_what_the_ledger_never_saw_is_charged_all_the_same() -> None:
    assert lines(bill(h0=USD), []) == {0: [("", USD)]}
    assert lines(bill(h0=5, h3=USD), [spent(0, 5)]) == {3: [("t", USD)]}, "to the tier that the model has elsewhere"


def test_what_a_provider_books_an_hour_later_is_not_charged_again() -> None:
    known = [spent(0, 57), spent(1, 10)]
    assert lines(bill(h0=38, h1=29), known) == {}
    assert lines(bill(h0=38, h1=20, h2=9), known) == {}
    assert lines(bill(h1=67, h0=0), known) == {}
    assert compare(bill(h0=38, h1=29), known, ()).above == ""


def test_what_is_above_the_whole_is_charged_once_where_no_neighbour_explains_it() -> None:
    known = [spent(0, 57), spent(5, 10)]
    assert lines(bill(h0=38, h1=19, h5=15), known) == {5: [("t", 5)]}
    assert lines(bill(h0=50, h5=20), known) == {5: [("t", 3)]}


def test_what_was_unknown_and_is_booked_an_hour_later_does_not_come_back() -> None:
    assert lines(bill(h0=0, h1=19), [spent(0, 19, 19)]) == {}
    assert lines(bill(h0=0, h1=12), [spent(0, 19, 19)]) == {0: [("t", -7)]}


def test_an_hour_that_a_bill_is_not_of_gives_nothing_back() -> None:
    assert lines(bill(h1=10), [spent(0, 19, 19), spent(1, 10)]) == {}


def test_a_call_at_the_end_of_an_hour_counts_for_the_bill_of_the_next() -> None:
    known = [spent(0, 19)]
    in_time = a_call(0, 58 * MINUTE, 58 * MINUTE + SECOND, 19)
    assert lines(bill(h1=19), known, in_time) == {}
    assert lines(bill(h1=20), known, in_time) == {1: [("", 1)]}
    assert lines(bill(h1=19), known, a_call(0, 0, 70 * MINUTE, 19)) == {}
    assert lines(bill(h1=19), known, a_call(0, MINUTE, 54 * MINUTE, 19)) == {1: [("", 19)]}
    assert lines(bill(h0=19, h1=19), known, in_time) == {1: [("t", 19)]}, "it counts once"
    assert lines(bill(h0=19), [], a_call(1, MINUTE, 2 * MINUTE, 19)) == {}, "also where the provider's clock is behind"


def test_a_call_under_way_is_neither_charged_nor_an_alarm_up_to_what_is_held_for_it() -> None:
    known, call = [spent(0, 10)], a_call(0, MINUTE, None, 8)
    found = compare(bill(h0=18), known, [call])
    assert (found.groups[0].lines, found.above, found.under_way) == ((), "", 1)
    above = compare(bill(h0=20), known, [call])
    assert (list(above.groups[0].lines), above.under_way) == ([("t", 2)], 1)
    assert above.above == "m: billed $0.00, in the ledger $0.00 and at most $0.00 under way"
    assert lines(bill(h2=8), [], call) == {}, "it may be booked at its end"
    later = compare(bill(h0=18), known, [a_call(2, MINUTE, None, 8)])
    assert (list(later.groups[0].lines), later.under_way) == ([("t", 8)], 0)


def test_of_hours_in_which_a_call_is_under_way_nothing_comes_back_yet() -> None:
    known = [spent(0, 20, 20), spent(1, 20, 20), spent(2, 20, 20)]
    found = compare(bill(h0=0, h1=0, h2=5), known, [a_call(1, 30 * MINUTE, None, 8)])
    assert [(group.added, group.final) for group in found.groups] == [(-20, True), (0, False), (0, False)]


def test_what_is_billed_of_a_call_under_way_is_not_given_back_elsewhere() -> None:
    found = compare(bill(h0=5, h1=10), [spent(0, 10, 5)], [a_call(1, 30 * MINUTE, None, 8)])
    assert [group.added for group in found.groups] == [-3, 0], "eight of the ten are borne by the hold, two by the hour"
    far = a_call(3, 30 * MINUTE, None, 100)
    assert lines(bill(h0=5, h1=0, h3=0), [spent(1, 5, 5)], far) == {}, "a hold bears nothing of what was billed before"


AMOUNTS = some.integers(0, 40)


@given(
    some.dictionaries(some.integers(0, 6), AMOUNTS, min_size=1),
    some.dictionaries(some.integers(0, 6), some.tuples(AMOUNTS, AMOUNTS)),
    some.lists(some.tuples(some.integers(0, 6), AMOUNTS), max_size=2),
)
def test_a_bill_moves_the_ledger_towards_it_and_never_past_it(
    billed: dict[int, int], known: dict[int, tuple[int, int]], held: list[tuple[int, int]]
) -> None:
    rows = bill(**{f"h{hour}": amount for hour, amount in billed.items()})
    ledger = [spent(hour, sure + unknown, unknown) for hour, (sure, unknown) in known.items()]
    calls = [a_call(hour, 10 * MINUTE, None, amount) for hour, amount in held]
    found = compare(rows, ledger, calls)
    added = sum(group.added for group in found.groups)
    before = sum(spend.amount for spend in ledger if (spend.hour - FIRST) // HOUR in billed)
    under_way = sum(amount for hour, amount in held if hour <= max(billed))
    total = sum(billed.values())
    assert max(added, 0) == max(0, total - before - under_way)
    assert bool(found.above) == (added > 0)
    if added < 0:
        assert total <= before + added + under_way
    charged = [amount for group in found.groups for _, amount in group.lines]
    assert all(amount > 0 for amount in charged) or all(amount < 0 for amount in charged)
    for group in found.groups:
        sure, unknown = known.get((group.bill.hour - FIRST) // HOUR, (0, 0))
        assert -unknown <= group.added <= max(0, group.bill.amount - sure - unknown)


@given(some.dictionaries(some.integers(0, 6), AMOUNTS, min_size=1), some.dictionaries(some.integers(0, 6), AMOUNTS))
def test_the_same_bill_twice_does_nothing(billed: dict[int, int], known: dict[int, int]) -> None:
    rows = bill(**{f"h{hour}": amount for hour, amount in billed.items()})
    ledger = [spent(hour, amount) for hour, amount in known.items()]
    charged = lines(rows, ledger)
    after = [*ledger, *(spent(hour, amount) for hour, parts in charged.items() for _, amount in parts)]
    assert lines(rows, after) == {}


def test_an_answer_tells_every_hour_and_sums_them_up() -> None:
    models = by_model([*bill(h1=7, h0=2), Billed(model="a", hour=FIRST, amount=3)])
    assert list(models) == ["a", "m"]
    comparisons: list[Comparison] = [compare(billed, [spent(0, 5, 3)], ()) for billed in models.values()]
    told = reconciled(comparisons[1:])
    assert [(group["hour"], group["billed"], group["ledger"], group["added"]) for group in told["groups"]] == [
        (iso(FIRST), 2, 5, 0),
        (iso(FIRST + HOUR), 7, 0, 4),
    ]
    assert {**told, "groups": []} == {
        "groups": [],
        "added": 4,
        "alarm": True,
        "reason": "a provider's bill is above the ledger (m: billed $0.00, in the ledger $0.00)",
        "under_way": 0,
    }
    assert reconciled([]) == {"groups": [], "added": 0, "alarm": False, "reason": "", "under_way": 0}
