"""Which accounts a call touches, and what each allows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from koubou.model.account import Dimension, Limit
from koubou.model.budget import Limits
from koubou.model.instant import DAY, HOUR, instant
from koubou.model.task import TaskBudget
from koubou.rules.levels import is_scarce, is_unknown_borne, newly_reached, too_much_is_unknown
from koubou.rules.limits import Asking, LimitsInForce, bearer
from koubou.rules.windows import current, day, month
from tests.builders import NOW, a_budget, a_task, an_account


def asking(**changes: Any) -> Asking:
    values: dict[str, Any] = {
        "task": a_task(),
        "tier": "medium",
        "model": "m",
        "executor": "chat",
        "least_usd": 10,
        "least_tokens": 10,
        "free": False,
    }
    return Asking(**values | changes)


def limits(budget: Any, ask: Asking | None = None, now: int = NOW, **set_: int | None) -> dict[tuple[str, str], Limit]:
    in_force = LimitsInForce(budget=budget, set={(scope, "usd"): amount for scope, amount in set_.items()})
    found = list(in_force.of_call(ask or asking(), now))
    by_key = {(limit.name, str(limit.dimension)): limit for limit in found}
    assert len(by_key) == len(found), "each once"
    return by_key


def test_a_call_of_a_paid_tier_is_counted_on_month_and_tier_at_least() -> None:
    found = limits(a_budget(monthly=None))
    assert set(found) == {("month:2027-01", "usd"), ("tier:medium:month:2027-01", "usd")}
    assert {limit.ceiling for limit in found.values()} == {None}


@pytest.mark.parametrize(("now", "limit"), [(NOW, 20), (NOW + DAY, 5), (NOW + 2 * DAY, 5), (NOW + 3 * DAY, 20)])
def test_days_at_weekends_have_their_own_limit(now: int, limit: int) -> None:
    name, reopens = day(now, ZoneInfo("UTC"))
    found = limits(a_budget(daily=20, weekend=5), now=now)[name, "usd"]
    assert (found.limit, found.ceiling, found.most, found.reopens) == (limit, limit, 20, reopens)


def test_without_a_limit_for_days_there_is_none_for_weekends() -> None:
    assert not any(name.startswith("day:") for name, _ in limits(a_budget(daily=None, weekend=5), now=NOW + DAY))


def test_a_day_begins_at_midnight_of_the_zone_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    midnight = instant(datetime(2027, 3, 28, tzinfo=berlin))
    assert day(midnight, berlin) == ("day:2027-03-28", midnight + 23 * HOUR)
    assert day(midnight - 1, berlin) == ("day:2027-03-27", midnight)
    assert day(NOW, ZoneInfo("Asia/Tokyo"))[0] == "day:2027-01-15"
    assert day(NOW + 7 * HOUR, ZoneInfo("Asia/Tokyo"))[0] == "day:2027-01-16"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("month:2026-12", "month:2027-01"),
        ("day:2026-12-31", "day:2027-01-15"),
        ("tier:gpt:month:2026-12", "tier:gpt:month:2027-01"),
        ("session:month:2026-12x", "session:month:2026-12x"),
        ("task:a", "task:a"),
    ],
)
def test_last_months_window_is_this_months_now(old: str, new: str) -> None:
    assert current(old, NOW, ZoneInfo("UTC")) == new


def test_who_is_not_at_work_yet_may_fill_the_month_up_to_reject_at() -> None:
    budget = a_budget(monthly=100, reject_at=0.9, ceiling_at=1.5)
    name, _ = month(NOW, budget.timezone)
    new, at_work = limits(budget)[name, "usd"], limits(budget, asking(task=a_task(attempts=1)))[name, "usd"]
    assert (new.limit, new.ceiling, new.bearable, new.most) == (100, 150, 90, 90)
    assert (at_work.limit, at_work.ceiling, at_work.bearable) == (100, 150, 150)


def test_what_a_person_set_goes_before_settings_and_file_and_for_one_account_before_its_kind() -> None:
    task = a_task(budget=TaskBudget(cost=50))
    budget = a_budget(monthly=100, task=70)
    plain = limits(budget, asking(task=task), month=80, task=60)
    assert plain["month:2027-01", "usd"].limit == 80
    assert plain["task:a-task", "usd"].limit == 50
    assert limits(budget, asking(), task=60)["task:a-task", "usd"].limit == 60
    assert limits(budget, asking(task=task), **{"task:a-task": 40})["task:a-task", "usd"].limit == 40
    assert ("task:a-task", "usd") not in limits(budget, asking(task=task), **{"task:a-task": None})


def test_what_a_limit_set_by_hand_cannot_bear_may_wait_for_another_word() -> None:
    month_of = Limits(usd=50)
    budget = a_budget(
        monthly=100,
        daily=40,
        weekend=30,
        session=Limits(usd=60),
        task=70,
        tiers={"medium": month_of},
        models={"m": month_of},
        submitter=month_of,
    )
    ask = asking(task=a_task(session="s"))
    scopes = {
        "month": "month:2027-01",
        "day": "day:2027-01-15",
        "weekend": "day:2027-01-15",
        "session": "session:s",
        "session:s": "session:s",
        "task": "task:a-task",
        "task:a-task": "task:a-task",
        "tier:medium": "tier:medium:month:2027-01",
        "model:m": "model:m:month:2027-01",
        "submitter:1000": "submitter:1000:month:2027-01",
    }
    for scope, name in scopes.items():
        assert limits(budget, ask)[name, "usd"].most is not None
        assert limits(budget, ask, **{scope: 5})[name, "usd"].most is None, scope
    own = asking(task=a_task(budget=TaskBudget(cost=20)))
    assert limits(budget, own, task=5)["task:a-task", "usd"].most == 20


def test_an_agents_task_gets_what_its_first_request_needs() -> None:
    budget = a_budget(task=Limits(tokens=1_000), agents=Limits(tokens=200_000))
    for executor, limit in (("codex", 200_000), ("claude", 200_000), ("command:x", 200_000), ("chat", 1_000)):
        assert limits(budget, asking(executor=executor))["task:a-task", "tokens"].limit == limit


def test_an_overdraft_serves_a_critical_call_alone_and_not_while_one_is_unpaid() -> None:
    budget = a_budget(task=100, session=Limits(usd=1_000), overdraft_usd=30)
    task = a_task(session="s")
    plain, critical = (limits(budget, asking(task=task, critical=word)) for word in (False, True))
    for name, limit in (("task:a-task", 100), ("session:s", 1_000)):
        assert (plain[name, "usd"].ceiling, plain[name, "usd"].bearable) == (limit + 30, limit)
        assert critical[name, "usd"].bearable == limit + 30
    own = critical["task:a-task", "usd"]
    account = an_account(name="task:a-task", ceiling=130, limit=100)
    assert bearer(account, own).bearable == 130
    overdrawn = an_account(name="task:a-task", ceiling=130, limit=100, overdrawn=True)
    assert bearer(overdrawn, own).bearable == 100
    given_more = an_account(name="task:a-task", ceiling=180, limit=150, added=50)
    assert bearer(given_more, own).bearable == 180
    month_ = critical["month:2027-01", "usd"]
    assert month_.ceiling == month_.limit, "no overdraft of the month"


def test_what_an_agent_does_is_counted_where_it_is_limited() -> None:
    in_force = LimitsInForce(budget=a_budget(task=Limits(file_edits=3)))
    counted = in_force.counted_of_task(a_task(), "codex", Dimension.FILE_EDITS)
    assert counted is not None
    assert (counted.name, counted.dimension, counted.ceiling) == ("task:a-task", "file_edits", 3)
    assert in_force.counted_of_task(a_task(), "codex", Dimension.COMMANDS) is None


@pytest.mark.parametrize(
    ("settled", "told", "reached"), [(69, 0, None), (70, 0, 70), (95, 0, 90), (95, 90, None), (250, 90, 100)]
)
def test_the_highest_level_that_was_not_told_is_told(settled: int, told: int, reached: int | None) -> None:
    assert newly_reached(an_account(name="task:a", ceiling=100, settled=settled, told=told)) == reached


def test_an_account_without_a_limit_has_no_levels_and_one_of_nothing_is_used_up() -> None:
    assert newly_reached(an_account(ceiling=None, settled=10**12)) is None
    assert not is_scarce(an_account(ceiling=None, settled=10**12))
    assert newly_reached(an_account(ceiling=0)) == 100


def test_each_further_twentieth_of_the_month_that_is_unknown_pauses_again() -> None:
    assert not too_much_is_unknown(4, 4, 100)
    assert too_much_is_unknown(5, 1, 100)
    assert not too_much_is_unknown(9, 4, 100)
    assert too_much_is_unknown(10, 1, 100)
    assert not too_much_is_unknown(10**9, 10**9, None)
    assert is_unknown_borne(4, 100)
    assert not is_unknown_borne(5, 100)
