"""The till in turns: every account that a call touches, its levels, and what persons may change of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from koubou.model.account import Account
from koubou.model.budget import Budget, Limits
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.model.deed import FileAway, Say
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND
from koubou.model.money import USD
from koubou.model.status import Park, ParkReason, Status
from koubou.model.task import TaskBudget
from tests.builders import NOW, a_bench, a_budget, a_new_task, a_tier, an_error, tiers
from tests.turns import Workshop

CENT = USD // 100
CUT: dict[str, Any] = {"bill": Bill.UNKNOWN, "usage": None, "error": an_error(ErrorClass.CUT)}
SATURDAY = NOW + DAY
"""NOW is a Friday."""


def account(shop: Workshop, name: str, dimension: str = "usd") -> Account:
    found = shop.board.ledger.account(name, dimension)
    assert found is not None, f"{name} {dimension}"
    return found


def park(shop: Workshop, task: str) -> Park:
    found = shop.task(task).park
    assert found is not None, f"{task} is not parked"
    return found


def said(shop: Workshop, event: str) -> list[Say]:
    return [deed for deed in shop.deeds if isinstance(deed, Say) and deed.event == event]


def spend(shop: Workshop, task: str, usd: int, **asked: Any) -> None:
    """Tasks that cost so much together, at ten dollars a million tokens of answer and two cents at most each."""
    while usd > 0:
        shop.drop(a_new_task(task, tier="medium", **asked))
        shop.finish(task, usage=Usage(input_tokens=0, output_tokens=min(usd, 2 * CENT) // 10_000))
        usd, task = usd - 2 * CENT, f"{task}-more"


def test_a_call_is_held_on_every_account_that_it_touches_and_settled_on_each() -> None:
    each = Limits(usd=USD, tokens=100_000, calls=9)
    budget = Budget(
        monthly=USD,
        daily=USD,
        task=Limits(usd=USD, tokens=100_000, calls=9, time=MINUTE),
        session=Limits(usd=USD, tokens=100_000),
        tiers={"medium": each},
        models={"model-of-medium": each},
        submitters={1000: each},
    )
    shop = Workshop(budget=budget)
    shop.drop(a_new_task(session="s"))
    held = {(row["name"], row["dimension"]) for row in rows(shop, "held > 0")}
    month = "month:2027-01"
    scopes = (f"tier:medium:{month}", f"model:model-of-medium:{month}", f"submitter:1000:{month}")
    assert held == {
        (month, "usd"),
        ("day:2027-01-15", "usd"),
        ("session:s", "usd"),
        ("session:s", "tokens"),
        *(("task:a-task", dimension) for dimension in ("usd", "tokens", "calls", "time")),
        *((scope, dimension) for scope in scopes for dimension in ("usd", "tokens", "calls")),
    }
    shop.finish(usage=Usage(input_tokens=20, output_tokens=50), started_at=NOW, finished_at=NOW + 3 * SECOND)
    assert rows(shop, "held > 0") == []
    settled = {(row["name"], row["dimension"]): row["settled"] for row in rows(shop, "1")}
    cost = 20 * 1_000 + 50 * 10_000
    by_dimension = {"usd": cost, "tokens": 70, "calls": 1, "time": 3 * SECOND}
    assert settled == {key: by_dimension[key[1]] for key in held}


def rows(shop: Workshop, where: str) -> list[Any]:
    return shop.board.connection.execute(f"SELECT * FROM account WHERE {where}").fetchall()


def test_a_free_call_moves_no_money_but_counts_in_tokens() -> None:
    shop = Workshop(budget=a_budget(daily=USD, task=Limits(usd=1, tokens=10_000)))
    shop.drop(a_new_task(tier="local"))
    assert {(row["name"], row["dimension"]) for row in rows(shop, "held > 0")} == {("task:a-task", "tokens")}


def test_a_day_that_is_spent_ends_at_midnight_and_a_weekend_has_its_own_limit() -> None:
    shop = Workshop(budget=a_budget(monthly=10 * USD, daily=4 * CENT, weekend=3 * CENT))
    spend(shop, "dear", 39 * CENT // 10)
    shop.drop(a_new_task("waits", tier="medium"))
    midnight = (NOW // DAY + 1) * DAY
    assert (park(shop, "waits").reason, park(shop, "waits").until) == (ParkReason.BUDGET, midnight)
    shop.now = midnight
    shop.turn()
    assert shop.sent() == ["waits"]
    assert account(shop, "day:2027-01-16").limit == 3 * CENT


def test_a_call_that_only_a_weekend_cannot_bear_waits_for_monday() -> None:
    shop = Workshop(budget=a_budget(monthly=10 * USD, daily=10 * CENT, weekend=1_000), now=SATURDAY)
    shop.drop(a_new_task(tier="medium"))
    assert park(shop, "a-task").reason is ParkReason.BUDGET
    shop.now = SATURDAY + 2 * DAY
    shop.turn()
    assert shop.sent() == ["a-task"]


def test_who_cannot_be_borne_keeps_no_place_from_who_can() -> None:
    fit = tiers(a_tier("medium", min_output_tokens=2_000, fallback=None))
    shop = Workshop(budget=a_budget(monthly=3 * CENT), tiers=fit, benches=[a_bench(room=1)])
    spend(shop, "dear", 2 * CENT)
    wide = [a_new_task(f"wide-{number}", tier="medium") for number in range(9)]
    shop.drop(*wide, a_new_task("narrow", tier="medium", max_output_tokens=50))
    assert shop.sent() == ["narrow"]
    assert {park(shop, task.id).reason for task in wide} == {ParkReason.BUDGET}


def test_tokens_limit_a_session_and_lower_the_cap_before_they_park() -> None:
    shop = Workshop(budget=a_budget(session=Limits(tokens=3_000)))
    shop.drop(a_new_task("one", session="s", tier="medium"))
    tokens = account(shop, "session:s", "tokens").held
    assert 2_000 < tokens < 3_000
    shop.drop(a_new_task("two", session="s", tier="medium"))
    assert "session:s" in park(shop, "two").detail
    shop.finish("one", usage=Usage(input_tokens=100, output_tokens=1_900))
    # What is left bears a shorter answer, not under the floor of 200.
    assert shop.sent() == ["two"]
    assert 200 <= shop.run("two").cap < 1_000
    assert account(shop, "session:s", "tokens").left == 0


def test_working_time_is_held_as_the_time_limit_of_a_call() -> None:
    shop = Workshop(budget=a_budget(task=Limits(time=90 * SECOND)), tiers=tiers(a_tier("medium", retries=5)))
    shop.drop(a_new_task(tier="medium"))
    assert shop.run().timeout == MINUTE
    shop.finish(**CUT, started_at=NOW, finished_at=NOW + 50 * SECOND)
    shop.now += HOUR
    shop.turn()
    assert shop.run().timeout == 40 * SECOND
    shop.finish(**CUT, started_at=NOW, finished_at=NOW + 35 * SECOND)
    shop.now += HOUR
    shop.turn()
    assert (park(shop, "a-task").reason, park(shop, "a-task").until) == (ParkReason.BUDGET, None)
    assert "koubou budget add a-task --time 5s gives it enough" in park(shop, "a-task").detail
    shop.ask("budget_add", account="task:a-task", dimension="time", amount=HOUR, reason="it is worth it")
    assert shop.run().number == 3


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("question_answering", 10_000),
        ("general", 100_000),
    ],
)
def test_the_type_of_a_task_sets_its_limit_and_its_file_another(kind: str, limit: int) -> None:
    types = {"question_answering": Limits(tokens=10_000)}
    shop = Workshop(budget=a_budget(task=Limits(tokens=100_000), types=types))
    shop.drop(a_new_task("typed", type=kind), a_new_task("own", type=kind, budget=TaskBudget(tokens=5_000)))
    assert account(shop, "task:typed", "tokens").limit == limit
    assert account(shop, "task:own", "tokens").limit == 5_000


def test_a_types_limit_makes_room_for_a_long_prompt_as_far_as_tasks_may_go() -> None:
    types = {"question_answering": Limits(tokens=10_000)}
    shop = Workshop(budget=a_budget(monthly=10 * USD, task=Limits(tokens=30_000), types=types))
    shop.drop(a_new_task("long", "x" * 20_000, type="question_answering", tier="medium"))
    assert 20_000 < (account(shop, "task:long", "tokens").limit or 0) < 30_000
    assert shop.sent() == ["long"]
    shop.drop(a_new_task("longer", "x" * 40_000, type="question_answering", tier="medium"))
    assert shop.task("longer").outcome is Status.FAILED
    own = TaskBudget(tokens=10_000)
    shop.drop(a_new_task("limited", "x" * 20_000, type="question_answering", tier="medium", budget=own))
    assert shop.task("limited").outcome is Status.FAILED


def test_levels_of_a_task_are_told_once_and_it_goes_to_a_cheaper_tier() -> None:
    shop = Workshop(
        budget=a_budget(monthly=100 * USD, task=7 * CENT),
        tiers=tiers(a_tier("medium", retries=9), a_tier("local", fallback=None)),
    )
    shop.drop(a_new_task(difficulty="medium"))
    assert shop.task().tier == "medium"
    for told in ([], [], [70]):
        shop.finish(**CUT)
        assert [say.fields["reached"] for say in said(shop, "usage.threshold")] == told
        shop.now += HOUR
        shop.turn()
    assert shop.task().tier == "local"
    assert "cheaper tiers first" in shop.task().route[-1].reason


def test_from_four_fifths_of_the_month_on_easier_work_goes_to_cheaper_tiers() -> None:
    shop = Workshop(budget=a_budget(monthly=10 * CENT))
    spend(shop, "dear", 8 * CENT)
    (told,) = said(shop, "usage.threshold")
    assert (told.level, told.fields["account"], told.fields["reached"]) == ("warning", "month:2027-01", 80)
    shop.drop(a_new_task("medium"))
    shop.drop(a_new_task("hard", difficulty="high", max_output_tokens=500))
    shop.drop(a_new_task("asked", tier="medium", max_output_tokens=500))
    assert [shop.task(name).tier for name in ("medium", "hard", "asked")] == ["local", "high", "medium"]


def test_above_reject_at_nothing_new_begins_while_tasks_at_work_go_on_to_the_ceiling() -> None:
    shop = Workshop(budget=a_budget(monthly=5 * CENT, ceiling_at=1.4))
    shop.drop(a_new_task("at-work", tier="medium"))
    shop.finish("at-work", **CUT)
    shop.ask("resume_budget", reason="the unknown is borne")
    spend(shop, "dear", 29 * CENT // 10)
    shop.drop(a_new_task("new", tier="medium"))
    assert park(shop, "new").reason is ParkReason.BUDGET
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == ["at-work"]
    assert shop.month().settled + shop.month().held > 5 * CENT
    shop.turn()
    assert shop.sent() == []


def test_facts_at_one_and_a_half_times_the_limit_stop_everything() -> None:
    shop = Workshop(budget=a_budget(monthly=10 * CENT, ceiling_at=2.0, emergency_at=2.0))
    spend(shop, "dear", 8 * CENT)
    shop.drop(a_new_task("last", tier="medium"))
    shop.budget = a_budget(monthly=5 * CENT)
    shop.finish("last", usage=Usage(input_tokens=0, output_tokens=2_000))
    assert "emergency" in shop.board.crew.latches()
    assert len(said(shop, "emergency.stop")) == 1
    shop.drop(a_new_task("free", tier="local"))
    assert shop.sent() == []
    shop.ask("resume_budget", reason="seen")
    assert shop.sent() == ["free"]


def test_a_tier_of_which_too_much_is_unknown_is_paused_until_its_bill_is_known() -> None:
    shop = Workshop(budget=a_budget(monthly=USD), tiers=tiers(a_tier("medium", fallback=None, retries=9)))
    for number in range(3):
        shop.drop(a_new_task(f"t{number}", tier="medium"))
        shop.finish(f"t{number}", **CUT)
    assert list(shop.board.crew.latches()) == ["tier:medium"]
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == []
    unknown = shop.month().unreconciled
    answer = shop.ask("reconcile", source="export", rows=[{"model": "model-of-medium", "hour": NOW, "amount": CENT}])
    assert answer["ok"]["alarm"] is False
    assert answer["ok"]["added"] == CENT - unknown
    assert (shop.month().settled - shop.month().held, shop.month().unreconciled) == (CENT - shop.month().held, 0)
    assert shop.board.crew.latches() == {}
    assert set(shop.sent()) == {"t0", "t1", "t2"}


def test_what_was_added_to_the_month_counts_for_how_much_may_be_unknown() -> None:
    shop = Workshop(budget=a_budget(monthly=USD), tiers=tiers(a_tier("medium", fallback=None, retries=9)))
    shop.ask("budget_add", account="month", dimension="usd", amount=USD)
    for number in range(3):
        shop.drop(a_new_task(f"t{number}", tier="medium"))
        shop.finish(f"t{number}", **CUT)
    assert shop.month().unreconciled > USD // 20
    assert list(shop.board.crew.latches()) == []


def test_a_bill_above_the_ledger_is_charged_and_stops_everything() -> None:
    shop = Workshop()
    spend(shop, "dear", 2 * CENT)
    rows_ = [{"model": "model-of-medium", "hour": NOW, "amount": 3 * CENT}]
    first = shop.ask("reconcile", source="export", rows=rows_)["ok"]
    assert (first["alarm"], first["added"]) == (True, CENT)
    assert shop.month().settled == 3 * CENT
    assert "emergency" in shop.board.crew.latches()
    again = shop.ask("reconcile", source="export", rows=rows_)["ok"]
    assert (again["alarm"], again["added"]) == (False, 0)


def test_what_was_known_is_not_given_back_whatever_an_export_leaves_out() -> None:
    shop = Workshop()
    spend(shop, "dear", 2 * CENT)
    rows_ = [{"model": "model-of-medium", "hour": NOW, "amount": 0}]
    assert shop.ask("reconcile", source="export", rows=rows_)["ok"]["added"] == 0
    assert shop.month().settled == 2 * CENT


def reconcile(shop: Workshop, billed: int) -> Any:
    bill = [{"model": "model-of-medium", "hour": NOW, "amount": billed}]
    return shop.ask("reconcile", source="export", rows=bill)["ok"]


def test_what_was_feared_before_a_new_period_takes_nothing_from_it() -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback=None, retries=0)))
    shop.drop(a_new_task("lost", tier="medium"))
    shop.finish("lost", **CUT)
    feared = shop.month().settled
    shop.ask("budget_reset", scope="month", reason="the books are closed")
    spend(shop, "known", CENT)
    assert reconcile(shop, CENT)["added"] == -feared
    assert shop.month().settled == CENT
    assert account(shop, "tier:medium:month:2027-01").settled == CENT


def test_what_was_feared_of_a_call_comes_back_where_it_was_held_and_nowhere_else() -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback=None, retries=0)))
    shop.drop(a_new_task("lost", tier="medium"))
    shop.finish("lost", **CUT)
    shop.ask("budget_set", scope="model:model-of-medium", dimension="usd", amount=USD, reason="from now on")
    spend(shop, "known", CENT)
    reconcile(shop, CENT)
    assert account(shop, "model:model-of-medium:month:2027-01").settled == CENT
    assert shop.month().settled == CENT


def test_nobody_gets_back_what_may_have_been_the_call_of_another() -> None:
    """Two tiers serve one model, and of each one call was lost: the bill does not say which of them was answered."""
    lossy = {"model": "model-of-medium", "fallback": None, "retries": 0}
    shop = Workshop(tiers=tiers(a_tier("medium", **lossy), a_tier("high", **lossy)))
    for tier in ("medium", "high"):
        shop.drop(a_new_task(tier, tier=tier))
        shop.finish(tier, **CUT)
    feared = shop.month().settled
    assert reconcile(shop, feared // 2)["added"] == -feared // 2
    assert shop.month().settled == feared // 2
    for tier in ("medium", "high"):
        assert account(shop, f"tier:{tier}:month:2027-01").settled == feared // 2


def test_what_a_provider_books_an_hour_later_is_charged_once() -> None:
    shop = Workshop()
    spend(shop, "dear", 6 * CENT)
    rows_ = [{"model": "model-of-medium", "hour": NOW + hour * HOUR, "amount": (4, 2)[hour] * CENT} for hour in (0, 1)]
    for _ in range(2):
        answer = shop.ask("reconcile", source="export", rows=rows_)["ok"]
        assert (answer["added"], answer["alarm"]) == (0, False)
    assert (shop.month().settled, shop.board.crew.latches()) == (6 * CENT, {})


def test_a_call_under_way_is_counted_once_when_its_bill_comes_first() -> None:
    shop = Workshop()
    spend(shop, "dear", CENT)
    shop.drop(a_new_task("at-work", tier="medium"))
    early = reconcile(shop, 2 * CENT)
    assert (early["added"], early["alarm"], early["under_way"]) == (0, False, 1)
    shop.finish("at-work", usage=Usage(input_tokens=0, output_tokens=1_000))
    late = reconcile(shop, 2 * CENT)
    assert (late["added"], late["alarm"], late["under_way"]) == (0, False, 0)
    assert shop.month().settled == 2 * CENT


def test_what_is_feared_stays_until_nothing_of_its_hour_is_under_way() -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback=None, retries=0)))
    shop.drop(a_new_task("lost", tier="medium"))
    shop.finish("lost", **CUT)
    feared = shop.month().settled
    shop.drop(a_new_task("at-work", tier="medium"))
    assert reconcile(shop, 0)["added"] == 0
    assert shop.month().unreconciled == feared
    shop.finish("at-work", usage=Usage(input_tokens=0, output_tokens=1_000))
    assert reconcile(shop, CENT)["added"] == -feared
    assert (shop.month().settled, shop.month().unreconciled) == (CENT, 0)


@pytest.mark.parametrize(
    ("rows_", "told"),
    [
        (None, "reconcile needs rows"),
        ([], "reconcile needs rows"),
        ("x", "reconcile needs rows"),
        ([{"model": "m"}], "row 1 is not"),
        ([{"model": "m", "hour": NOW, "amount": 1}, {"model": "m", "hour": NOW, "amount": True}], "row 2 is not"),
        ([1], "row 1 is not"),
        ([{"model": "m", "hour": NOW, "amount": -1}], "row 1 has an amount that is not from $0 to $1,000,000,000"),
        ([{"model": "m", "hour": NOW, "amount": 10**18 + 1}], "row 1 has an amount that is not"),
        ([{"model": "m", "hour": NOW, "amount": 10**18}] * 2, "the rows come to more than $1,000,000,000"),
        ([{"model": "m", "hour": 1, "amount": 1}], "row 1 is of a time before the year 2000"),
        ([{"model": "m", "hour": NOW + 2 * DAY + 1, "amount": 1}], "row 1 is of a time"),
        ([{"model": "m", "hour": 253_402_300_799_999, "amount": 1}], "row 1 is of a time"),
    ],
)
def test_a_bill_that_is_none_is_refused(rows_: Any, told: str) -> None:
    error = Workshop().ask("reconcile", rows=rows_)["error"]
    assert (error["kind"], error["message"].startswith(told)) == ("usage", True), error


def test_the_largest_bill_that_is_taken_can_be_kept() -> None:
    shop = Workshop()
    spend(shop, "dear", CENT)
    assert reconcile(shop, 10**18)["alarm"]
    assert shop.month().settled == 10**18


def test_a_person_sets_a_limit_in_place_of_the_settings_and_takes_it_back() -> None:
    shop = Workshop(budget=a_budget(monthly=1 * CENT))
    spend(shop, "dear", 9_000_000, max_output_tokens=900)
    shop.drop(a_new_task("more", tier="medium", max_output_tokens=900))
    assert park(shop, "more").reason is ParkReason.BUDGET
    answer = shop.ask("budget_set", scope="month", dimension="usd", amount=USD, reason="agreed")
    assert answer["ok"]["message"] == "the limit of month is $1.00"
    assert shop.month().limit == USD
    assert shop.sent() == ["more"]
    shop.ask("budget_set", scope="month", dimension="usd", amount="default", reason="over")
    assert shop.month().limit == 1 * CENT


@pytest.mark.parametrize("scope", ["month", "day", "tier:medium", "submitter:1000", "session:s", "task"])
def test_what_a_lowered_limit_cannot_bear_waits_until_it_is_raised(scope: str) -> None:
    shop = Workshop(budget=a_budget(daily=USD), tiers=tiers(a_tier("medium", fallback=None)))
    shop.ask("budget_set", scope=scope, dimension="usd", amount=0, reason="stop for now")
    shop.drop(*[a_new_task(name, tier="medium", session="s") for name in ("one", "two")])
    shop.turn()
    assert [park(shop, name).reason for name in ("one", "two")] == [ParkReason.BUDGET] * 2
    shop.ask("budget_set", scope=scope, dimension="usd", amount=USD, reason="go on")
    assert shop.sent() == ["one", "two"]


def test_who_waits_for_two_limits_set_by_hand_is_not_asked_every_turn() -> None:
    shop = Workshop(tiers=tiers(a_tier("medium", fallback=None)))
    for scope in ("month", "task"):
        shop.ask("budget_set", scope=scope, dimension="usd", amount=0, reason="stop for now")
    shop.drop(a_new_task(tier="medium"))
    for _ in range(3):
        shop.turn()
    assert shop.events().count("task.parked") == 1


def test_what_the_settings_never_bear_fails_at_once() -> None:
    shop = Workshop(budget=a_budget(monthly=1_000), tiers=tiers(a_tier("medium", fallback=None)))
    shop.drop(a_new_task(tier="medium"))
    assert shop.task().outcome is Status.FAILED


def test_a_limit_set_below_what_is_spent_stops_what_costs_and_not_the_workshop() -> None:
    shop = Workshop()
    spend(shop, "dear", 2 * CENT)
    shop.ask("budget_set", scope="month", dimension="usd", amount=CENT // 2, reason="less, from now on")
    shop.drop(a_new_task("waits", tier="medium"), a_new_task("free", tier="local"))
    assert (shop.month().percent, shop.board.crew.latches()) == (400, {})
    assert (park(shop, "waits").reason, shop.sent()) == (ParkReason.BUDGET, ["free"])


@pytest.mark.parametrize(
    ("scope", "dimension"),
    [
        ("moon", "usd"),
        ("tier", "usd"),
        ("month", "tokens"),
        ("month:2027-01", "usd"),
        ("session:s", "time"),
        ("task", "miles"),
    ],
)
def test_a_limit_of_what_has_none_is_refused(scope: str, dimension: str) -> None:
    answer = Workshop().ask("budget_set", scope=scope, dimension=dimension, amount=5, reason="why not")
    assert answer["error"]["kind"] == "usage"


@pytest.mark.parametrize(
    ("scope", "kind", "told"),
    [
        (
            "tier:medum",
            "usage",
            'there is no tier "medum" (did you mean "medium"?); the tiers are high, local, medium',
        ),
        (
            "model:foo",
            "usage",
            'there is no model "foo"; the models are model-of-high, model-of-local, model-of-medium, old',
        ),
        ("submitter:root", "usage", '"root" is no uid: a submitter is named by a number here'),
        ("submitter:٣", "usage", '"٣" is no uid: a submitter is named by a number here'),
        ("submitter:4294967296", "usage", '"4294967296" is no uid: a submitter is named by a number here'),
        ("task:nosuch", "unknown_task", 'no task "nosuch"'),
    ],
)
def test_a_limit_of_what_no_call_touches_is_refused(scope: str, kind: str, told: str) -> None:
    shop = Workshop()
    reconcile_of(shop, "old", 1)
    assert shop.ask("budget_set", scope=scope, dimension="usd", amount=0, reason="x")["error"] == {
        "kind": kind,
        "message": told,
    }


def reconcile_of(shop: Workshop, model: str, billed: int) -> None:
    shop.ask("reconcile", source="export", rows=[{"model": model, "hour": NOW, "amount": billed}])


def test_a_limit_is_set_for_accounts_by_the_names_that_calls_give_them() -> None:
    shop = Workshop()
    shop.drop(a_new_task("Mixed-Case", not_before=NOW + HOUR))
    reconcile_of(shop, "old", 0)
    for given, meant in (
        ("task:mixed-case", "task:Mixed-Case"),
        ("submitter:0007", "submitter:7"),
        ("session:yet-to-come", "session:yet-to-come"),
    ):
        answer = shop.ask("budget_set", scope=given, dimension="usd", amount=CENT, reason="x")
        assert answer["ok"]["message"] == f"the limit of {meant} is $0.01"
        assert shop.limits.set[meant, "usd"] == CENT


def test_a_limit_of_a_tier_that_is_gone_can_be_taken_back() -> None:
    shop = Workshop()
    shop.ask("budget_set", scope="tier:high", dimension="usd", amount=5, reason="x")
    shop.tiers = tiers(a_tier("medium"))
    assert "error" in shop.ask("budget_set", scope="tier:high", dimension="usd", amount=6, reason="x")
    assert "ok" in shop.ask("budget_set", scope="tier:high", dimension="usd", amount="default", reason="x")
    assert shop.limits.set == {}


@pytest.mark.parametrize(
    ("account", "dimension", "kind", "told"),
    [
        ("month", "tokens", "usage", "month has limits of usd, none of tokens"),
        ("session:zz", "time", "usage", "session has limits of usd, tokens, none of time"),
        ("month:1999-01", "usd", "illegal_move", "month:1999-01 is no account of now: there is nothing to add to"),
        ("day:2027-01-14", "usd", "illegal_move", "day:2027-01-14 is no account of now: there is nothing to add to"),
        (
            "tier:medium:month:2026-12",
            "usd",
            "illegal_move",
            "tier:medium:month:2026-12 is no account of now: there is nothing to add to",
        ),
        ("weekend", "usd", "usage", "weekend is no account: name one, as koubou budget status does"),
        ("task", "usd", "usage", "task is no account: name one, as koubou budget status does"),
        ("day", "usd", "illegal_move", "day:2027-01-15 has no limit of usd: there is nothing to add to"),
        ("session:zz", "usd", "illegal_move", "session:zz has no limit of usd: there is nothing to add to"),
        (
            "submitter:0",
            "usd",
            "illegal_move",
            "submitter:0:month:2027-01 has no limit of usd: there is nothing to add to",
        ),
        (
            "tier:medium",
            "usd",
            "illegal_move",
            "tier:medium:month:2027-01 has no limit of usd: there is nothing to add to",
        ),
        ("task:known", "commands", "illegal_move", "task:known has no limit of commands: there is nothing to add to"),
        ("task:nosuch", "usd", "unknown_task", 'no task "nosuch"'),
        ("model:foo", "usd", "usage", 'there is no model "foo"; the models are '),
    ],
)
def test_more_is_given_only_where_a_limit_is_in_force(account: str, dimension: str, kind: str, told: str) -> None:
    shop = Workshop()
    shop.drop(a_new_task("known", tier="medium"))
    before = [tuple(row) for row in rows(shop, "1")]
    error = shop.ask("budget_add", account=account, dimension=dimension, amount=5)["error"]
    assert (error["kind"], error["message"].startswith(told)) == (kind, True), error
    assert [tuple(row) for row in rows(shop, "1")] == before, "nothing is left of it"


def test_more_is_given_to_each_account_whose_limit_is_in_force() -> None:
    each = Limits(usd=CENT)
    shop = Workshop(
        budget=a_budget(
            daily=CENT,
            session=each,
            task=each,
            tiers={"medium": each},
            models={"model-of-medium": each},
            submitters={7: each},
        )
    )
    shop.ask("budget_set", scope="submitter:8", dimension="usd", amount=CENT, reason="x")
    shop.drop(a_new_task("known", not_before=NOW + HOUR))
    for account_, name in (
        ("month", "month:2027-01"),
        ("month:2027-01", "month:2027-01"),
        ("day", "day:2027-01-15"),
        ("tier:medium", "tier:medium:month:2027-01"),
        ("tier:medium:month:2027-01", "tier:medium:month:2027-01"),
        ("model:model-of-medium", "model:model-of-medium:month:2027-01"),
        ("submitter:7", "submitter:7:month:2027-01"),
        ("submitter:8", "submitter:8:month:2027-01"),
        ("session:s", "session:s"),
        ("task:KNOWN", "task:known"),
    ):
        answer = shop.ask("budget_add", account=account_, dimension="usd", amount=CENT)
        assert answer["ok"]["message"] == f"{name} has $0.01 more"
    assert shop.month().limit == USD + 2 * CENT


@pytest.mark.parametrize(
    ("dimension", "amount", "told"),
    [
        ("usd", 10**18 + 1, "an amount of usd is a whole number from 0 to $1,000,000,000, in nano-dollars"),
        ("usd", -1, "an amount of usd is a whole number"),
        ("usd", True, "an amount of usd is a whole number"),
        ("tokens", 2**53 + 1, "an amount of tokens is a whole number from 0 to 9,007,199,254,740,992"),
    ],
)
def test_an_amount_beyond_all_bounds_is_refused_with_the_bound(dimension: str, amount: Any, told: str) -> None:
    answer = Workshop().ask("budget_set", scope="task", dimension=dimension, amount=amount, reason="x")
    assert answer["error"]["message"].startswith(told)


def test_the_largest_limit_can_be_set_and_nobody_adds_beyond_it() -> None:
    shop = Workshop()
    assert "ok" in shop.ask("budget_set", scope="month", dimension="usd", amount=10**18 - 1, reason="x")
    assert "ok" in shop.ask("budget_add", account="month", dimension="usd", amount=1)
    assert "error" in shop.ask("budget_add", account="month", dimension="usd", amount=1)
    assert shop.month().limit == 10**18


def test_a_new_period_tells_only_of_what_was_used() -> None:
    shop = Workshop(budget=a_budget(task=Limits(usd=USD, calls=5, time=HOUR)))
    shop.drop(a_new_task("known", tier="medium"))
    shop.finish("known", usage=Usage(input_tokens=0, output_tokens=1_000))
    told = [shop.ask("budget_reset", scope="task:KNOWN", reason="x")["ok"]["message"] for _ in range(2)]
    assert told == [
        "task:known begins anew; $0.01, 1 calls, 1 s no longer count",
        "task:known begins anew; nothing of it was used",
    ]


@pytest.mark.parametrize("verb", ["budget_set", "budget_add", "budget_reset", "reconcile", "resume_budget"])
def test_only_an_operator_touches_the_till(verb: str) -> None:
    assert Workshop().ask(verb, operator=False, uid=1000)["error"]["kind"] == "not_allowed"


def test_a_new_period_begins_by_lines_that_are_added() -> None:
    shop = Workshop(budget=a_budget(monthly=4 * CENT))
    spend(shop, "dear", 39 * CENT // 10)
    shop.drop(a_new_task("waits", tier="medium"))
    before = shop.board.connection.execute("SELECT COUNT(*) FROM ledger").fetchone()[0]
    shop.ask("budget_reset", scope="month", reason="the books are closed")
    assert shop.sent() == ["waits"]
    assert shop.month().settled == 0
    lines = shop.board.connection.execute("SELECT kind, amount FROM ledger WHERE kind = 'reset'").fetchall()
    assert [tuple(line) for line in lines] == [("reset", -39 * CENT // 10)]
    assert shop.board.connection.execute("SELECT COUNT(*) FROM ledger").fetchone()[0] > before


def test_nothing_is_given_to_a_task_that_there_is_not() -> None:
    shop = Workshop()
    assert (
        shop.ask("budget_add", account="task:nobody", dimension="usd", amount=CENT)["error"]["kind"] == "unknown_task"
    )


def test_more_is_given_to_a_task_before_it_ever_asked() -> None:
    shop = Workshop(budget=a_budget(task=1_000), tiers=tiers(a_tier("medium", fallback=None)))
    shop.drop(a_new_task("later", tier="medium", not_before=NOW + HOUR))
    shop.ask("budget_add", account="task:later", dimension="usd", amount=CENT * 5)
    shop.now += HOUR
    shop.turn()
    assert shop.sent() == ["later"]
    assert account(shop, "task:later").limit == 1_000 + 5 * CENT


def test_what_came_of_a_task_is_enough_when_a_person_says_so() -> None:
    shop = Workshop(budget=a_budget(task=5 * CENT))
    shop.drop(a_new_task("half", tier="medium"))
    shop.finish("half", **CUT, answer_bytes=120)
    (result,) = shop.ask("finish", ids=["half"])["ok"]["results"]
    assert result["ok"], result
    assert shop.task("half").outcome is Status.COMPLETED
    assert any(isinstance(deed, FileAway) for deed in shop.deeds)
    shop.file()
    assert shop.task("half").status is Status.COMPLETED


def test_a_task_of_which_nothing_came_cannot_be_finished() -> None:
    shop = Workshop()
    shop.drop(a_new_task("none", tier="medium"))
    at_work = shop.ask("finish", ids=["none"])["ok"]["results"][0]
    assert (at_work["ok"], "at work" in at_work["message"]) == (False, True)
    shop.finish("none", **CUT, answer_bytes=2)
    (result,) = shop.ask("finish", ids=["none"])["ok"]["results"]
    assert (result["ok"], "nothing of an answer" in result["message"]) == (False, True)


def test_an_estimate_that_was_off_by_more_than_a_tenth_is_told_for_calibration() -> None:
    shop = Workshop(budget=replace(a_budget(), usual_output={"general": 100}))
    shop.drop(a_new_task("near", type="general", tier="medium"))
    read = shop.task("near").input_bytes // 4
    shop.finish("near", usage=Usage(input_tokens=read, output_tokens=95))
    assert said(shop, "usage.recorded") == []
    shop.drop(a_new_task("far", type="general", tier="medium"))
    shop.finish("far", usage=Usage(input_tokens=read, output_tokens=200))
    (line,) = said(shop, "usage.recorded")
    assert (line.fields["estimated_tokens"], line.fields["tokens"]) == (read + 100, read + 200)
    assert line.fields["estimated_nusd"] < line.fields["nusd"]
