"""How the money stands by the board: the forecast, the rate, what still fits, and which accounts are looked at."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from builders import NOW, a_new_task
from ledger_lines import correct, spend

from koubou.board import Board, open_in_memory
from koubou.board.reading import Reading
from koubou.model.account import AccountKey, Limit
from koubou.model.instant import DAY, HOUR
from koubou.model.money import USD
from koubou.views.standing import Fit, Standing, burn_shape, forecast_shape, in_order, matching, standing

MONTH_BEGAN = NOW - 14 * DAY - 8 * HOUR
MONTH_ENDS = MONTH_BEGAN + 31 * DAY


class Till:
    """A board in memory that is filled and then read."""

    def __init__(self) -> None:
        connection = open_in_memory()
        self.board = Board(connection)
        self.reading = Reading(connection)

    def account(self, name: str, limit: int | None, settled: int = 0, dimension: str = "usd", ends: int = 0) -> None:
        key = AccountKey(name, dimension)
        self.board.ledger.open_account(
            Limit(name=name, dimension=dimension, limit=limit, ceiling=limit, reopens=ends or None), NOW
        )
        self.board.ledger.count(key, settled)

    def stands(self, now: int = NOW) -> Standing:
        with self.reading.picture():
            return standing(self.reading, now, UTC)

    def shown(self, *, everything: bool = False, wanted: str | None = None) -> list[list[tuple[str, str]]]:
        blocks = in_order(self.stands(), NOW, everything=everything, wanted=wanted)
        return [[(account.name, account.dimension) for account in block] for block in blocks]


@pytest.fixture
def till() -> Till:
    return Till()


def test_equal_days_lead_to_the_end_of_the_month_and_to_its_limit(till: Till) -> None:
    till.account("month:2027-01", 100 * USD, 29 * USD, ends=MONTH_ENDS)
    for hour in range(14 * 24 + 8):  # a dollar every twelve hours, from the first of the month on
        if hour % 12 == 0:
            spend(till.board, MONTH_BEGAN + hour * HOUR, USD)
    found = till.stands()
    assert found.spent == 29 * USD
    assert (found.last_day, found.days) == (2 * USD, 15)
    assert found.forecast is not None
    assert 60 * USD < found.forecast.low < found.forecast.amount < found.forecast.high < 65 * USD
    assert found.reached_at == NOW + 71 * DAY // 2
    assert burn_shape(found)["limit_reached_at"] is None, "its month is over before"
    by_month = Fit(calls=71, mean=USD, of=29, account="month:2027-01")
    assert found.fits == {"": by_month, "gpt5_medium": by_month}
    shape = forecast_shape(found)
    assert shape is not None
    assert (shape["confidence"], shape["days"]) == (0.95, 15)
    assert burn_shape(found)["usd_per_hour"] == pytest.approx(2 / 24)


def test_a_young_workshop_learns_from_its_first_day_on_and_says_nothing_before_the_third(till: Till) -> None:
    till.account("month:2027-01", 100 * USD, ends=MONTH_ENDS)
    spend(till.board, NOW - DAY, USD)
    assert till.stands().days == 2
    assert till.stands().forecast is None
    assert forecast_shape(till.stands()) is None
    spend(till.board, NOW + DAY, USD)
    later = till.stands(NOW + DAY)
    assert later.days == 3
    assert later.forecast is not None
    assert later.forecast.amount > 10 * USD


def test_last_month_is_not_this_month_but_its_last_hours_are_part_of_the_last_day(till: Till) -> None:
    till.account("month:2027-01", 100 * USD, ends=MONTH_ENDS)
    spend(till.board, MONTH_BEGAN - HOUR, 5 * USD)
    spend(till.board, MONTH_BEGAN + HOUR, USD)
    found = till.stands(MONTH_BEGAN + 2 * HOUR)
    assert (found.spent, found.last_day, found.days) == (USD, 6 * USD, 1)


def test_free_calls_and_no_calls_fit_without_being_counted(till: Till) -> None:
    till.account("month:2027-01", 10 * USD, ends=MONTH_ENDS)
    assert till.stands().fits == {}
    spend(till.board, NOW, 0, tier="local")
    spend(till.board, NOW, 2 * USD, tier="high")
    correct(till.board, NOW // HOUR * HOUR, -USD, NOW)
    fits = till.stands().fits
    assert fits["high"] == Fit(calls=5, mean=2 * USD, of=1, account="month:2027-01")
    assert "local" not in fits


def test_as_many_calls_fit_as_the_narrowest_account_bears_that_they_touch(till: Till) -> None:
    till.account("month:2027-01", 100 * USD, ends=MONTH_ENDS)
    till.account("day:2027-01-15", 40 * USD, ends=NOW + DAY)
    till.account("tier:high:month:2027-01", 12 * USD, ends=MONTH_ENDS)
    till.account("tier:low:month:2027-01", 7, dimension="calls", ends=MONTH_ENDS)
    till.account("model:small:month:2027-01", 30 * USD, ends=MONTH_ENDS)
    till.account("session:night", USD)
    for tier, model in (("high", "large"), ("middle", "small"), ("low", "large")):
        spend(till.board, NOW, 2 * USD, tier=tier, model=model)
    fits = {tier: (fit.calls, fit.account) for tier, fit in till.stands().fits.items()}
    assert fits == {
        "": (20, "day:2027-01-15"),
        "high": (6, "tier:high:month:2027-01"),
        "middle": (15, "model:small:month:2027-01"),
        "low": (7, "tier:low:month:2027-01"),
    }


def test_what_lies_between_limit_and_ceiling_has_room_for_no_new_call(till: Till) -> None:
    name = "month:2027-01"
    till.board.ledger.open_account(Limit(name=name, limit=4 * USD, ceiling=6 * USD, reopens=MONTH_ENDS), NOW)
    till.board.ledger.count(AccountKey(name), 2 * USD)
    spend(till.board, NOW, 2 * USD)
    assert till.stands().fits[""].calls == 1


def test_a_month_without_limit_has_no_end_of_it(till: Till) -> None:
    till.account("month:2027-01", None, ends=MONTH_ENDS)
    spend(till.board, NOW, USD)
    found = till.stands()
    assert (found.reached_at, found.fits) == (None, {})


def test_the_accounts_of_now_are_shown_in_order_and_the_others_when_asked_for(till: Till) -> None:
    till.board.tasks.insert(a_new_task("Waiting"), NOW)
    till.account("task:Waiting", USD)
    till.account("task:Waiting", 100, dimension="tokens")
    till.account("task:gone", USD)
    till.account("session:release", 100, dimension="tokens")
    till.account("tier:high:month:2027-01", USD, ends=MONTH_ENDS)
    till.account("day:2027-01-15", USD, ends=NOW + HOUR)
    till.account("day:2027-01-14", USD, ends=NOW - HOUR)
    till.account("month:2026-12", USD, ends=MONTH_BEGAN)
    till.account("month:2027-01", USD, ends=MONTH_ENDS)
    now_shown = [
        [("month:2027-01", "usd")],
        [("day:2027-01-15", "usd")],
        [("tier:high:month:2027-01", "usd")],
        [("session:release", "tokens")],
        [("task:Waiting", "usd"), ("task:Waiting", "tokens")],
    ]
    assert till.shown() == now_shown
    assert len(till.shown(everything=True)) == len(now_shown) + 3
    assert till.shown(wanted="task") == [now_shown[-1], [("task:gone", "usd")]]
    assert till.shown(wanted="month:2026-*") == [[("month:2026-12", "usd")]]
    assert [account.name for account in matching(till.stands().accounts, "day")] == ["day:2027-01-14", "day:2027-01-15"]


def test_the_month_is_that_of_the_time_zone(till: Till) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    till.account("month:2027-02", USD, ends=MONTH_ENDS + 28 * DAY)
    with till.reading.picture():
        found = standing(till.reading, MONTH_ENDS - HOUR, tokyo)
    assert found.month is not None
    assert found.month.name == "month:2027-02"
