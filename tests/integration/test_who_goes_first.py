"""Whose turn it is, through the steps: urgency, shares, locks, times, and a person who says otherwise."""

from __future__ import annotations

from collections import Counter

import pytest

from koubou.model.account import AccountKey
from koubou.model.call import Bill
from koubou.model.deed import RejectClaim
from koubou.model.heard import RunFinished
from koubou.model.instant import HOUR, MINUTE, SECOND
from koubou.model.status import ParkReason, Status
from koubou.rules.priority import STEP, effective
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_tier, an_error, tiers
from tests.turns import Workshop

ALICE, BOB, CAROL = 1000, 1001, 1002


def shop_of(room: int, *names: str) -> Workshop:
    """Tiers without fallback, each with so many places in one worker."""
    fit = tiers(*(a_tier(name, fallback=None) for name in names or ("medium",)))
    return Workshop(tiers=fit, budget=a_budget(monthly=None), benches=[a_bench(name, room) for name in fit])


def drop(shop: Workshop, *names: str, **asked: object) -> None:
    shop.drop(*[a_new_task(name, tier=asked.pop("tier", "medium"), **asked) for name in names[:1]])
    for name in names[1:]:
        drop(shop, name, **asked)


def end(shop: Workshop, *names: str) -> None:
    runs = [(name, shop.run(name)) for name in names]
    shop.turn(*[RunFinished(result=a_result(name, run.number, run.call)) for name, run in runs])


def ripe(shop: Workshop, name: str) -> int:
    return shop.task(name).ripe_at


def at_work(shop: Workshop) -> Counter[int]:
    return Counter(shop.task(name).owner for name, _ in shop.board.runs.open())


# Urgency


def test_who_waited_long_enough_goes_before_who_is_more_urgent_by_less() -> None:
    shop = shop_of(0)
    drop(shop, "old", priority=5)
    shop.now += 59 * SECOND
    drop(shop, "young", priority=7)
    shop.benches = [a_bench("medium", 1)]
    shop.turn()
    assert shop.sent() == ["young"], "two steps are a minute, and only 59 s have passed"
    shop.benches = [a_bench("medium", 2)]
    shop.now += SECOND
    drop(shop, "later", priority=7)
    assert shop.sent() == ["old"]


def test_what_others_need_is_as_urgent_as_the_most_urgent_of_them_through_chains() -> None:
    shop = shop_of(0)
    drop(shop, "root", priority=1)
    drop(shop, "middle", priority=3, depends_on=("root",))
    drop(shop, "top", priority=9, depends_on=("middle",))
    assert ripe(shop, "root") == ripe(shop, "middle") == ripe(shop, "top")
    assert effective(ripe(shop, "root"), shop.now) == 9


def test_who_comes_after_those_who_wait_for_him_is_as_urgent_as_they_are() -> None:
    shop = shop_of(0)
    drop(shop, "top", priority=9, depends_on=("late",))
    shop.now += MINUTE
    drop(shop, "late", priority=1)
    assert ripe(shop, "late") == ripe(shop, "top")


def test_nobody_makes_the_task_of_somebody_else_more_urgent() -> None:
    shop = shop_of(0)
    drop(shop, "guess", priority=10, depends_on=("theirs",))
    drop(shop, "theirs", priority=1, owner=BOB)
    assert effective(ripe(shop, "theirs"), shop.now) == 1


def test_who_is_waited_for_no_more_is_urgent_only_for_himself() -> None:
    shop = shop_of(0)
    drop(shop, "root", priority=1)
    drop(shop, "middle", priority=3, depends_on=("root",))
    drop(shop, "top", priority=9, depends_on=("middle",))
    shop.ask("cancel", ids=["top"])
    assert [effective(ripe(shop, name), shop.now) for name in ("root", "middle")] == [3, 3]


def test_who_used_more_than_half_of_his_budget_goes_a_step_back() -> None:
    shop = shop_of(1)
    drop(shop, "greedy")
    before = ripe(shop, "greedy")
    shop.board.tasks.weighed("greedy", half_used=True)
    assert ripe(shop, "greedy") == before + 30 * SECOND
    assert shop.task("greedy").half_used


def test_the_use_of_its_budget_is_seen_when_a_call_is_settled() -> None:
    shop = shop_of(1)
    shop.budget = a_budget(monthly=None, task=100_000_000)
    drop(shop, "greedy", max_output_tokens=2_000)
    shop.board.ledger.count(AccountKey("task:greedy"), 60_000_000)
    end(shop, "greedy")
    assert shop.task("greedy").half_used
    assert "ok" in shop.ask("budget_add", account="task:greedy", dimension="usd", amount=100_000_000)
    assert not shop.task("greedy").half_used, "a person gave it more"


def test_who_is_tried_again_after_his_end_waits_anew() -> None:
    shop = shop_of(0)
    drop(shop, "ended", priority=5)
    shop.ask("cancel", ids=["ended"])
    shop.file()
    shop.now += HOUR
    shop.ask("retry", ids=["ended"])
    assert effective(ripe(shop, "ended"), shop.now) == 5


# A person


def test_a_person_gives_a_waiting_task_another_priority() -> None:
    shop = shop_of(0)
    drop(shop, "root", priority=1)
    drop(shop, "mine", priority=3, depends_on=("root",))
    assert shop.ask("priority", operator=False, uid=ALICE, ids=["mine"], level="urgent")["ok"]["results"][0]["ok"]
    assert [effective(ripe(shop, name), shop.now) for name in ("root", "mine")] == [9, 9]
    assert shop.events("mine")[-1] == "task.prioritized"
    assert shop.ask("priority", ids=["mine"], level=2)["ok"]["results"][0]["ok"]
    assert effective(ripe(shop, "root"), shop.now) == 2


@pytest.mark.parametrize("level", [0, 11, "pressing", None, 5.5, True, "7"])
def test_a_level_that_is_none_is_refused(level: object) -> None:
    shop = shop_of(0)
    drop(shop, "mine")
    assert shop.ask("priority", ids=["mine"], level=level)["error"]["kind"] == "usage"


def test_only_who_waits_gets_another_priority_and_a_stranger_finds_no_task() -> None:
    shop = shop_of(1)
    drop(shop, "busy", "waits")
    told = [
        shop.ask("priority", ids=["busy"], level=9)["ok"]["results"][0],
        shop.ask("priority", operator=False, uid=BOB, ids=["waits"], level=9)["ok"]["results"][0],
    ]
    assert [(result["ok"], result["kind"]) for result in told] == [(False, "illegal_move"), (False, "unknown_task")]


# Shares


def test_two_submitters_share_the_places_whoever_came_first() -> None:
    shop = shop_of(0)
    drop(shop, *(f"a{number}" for number in range(9)))
    drop(shop, *(f"b{number}" for number in range(9)), owner=BOB)
    shop.benches = [a_bench("medium", 6)]
    shop.turn()
    assert at_work(shop) == {ALICE: 3, BOB: 3}


def test_who_had_every_place_while_he_was_alone_gives_way_as_they_become_free() -> None:
    shop = shop_of(4)
    drop(shop, *(f"a{number}" for number in range(9)))
    assert at_work(shop) == {ALICE: 4}
    drop(shop, *(f"b{number}" for number in range(9)), owner=BOB)
    end(shop, "a0")
    end(shop, "a1")
    assert at_work(shop) == {ALICE: 2, BOB: 2}


def test_who_cannot_take_the_place_of_his_share_has_the_next_of_his_tasks_asked_before_others_get_more() -> None:
    shop = shop_of(4)
    drop(shop, "holder", owner=CAROL, locks=("tree",), tier="medium")
    drop(shop, "a0", "a1", "a2", owner=ALICE)
    assert at_work(shop) == {CAROL: 1, ALICE: 3}
    drop(shop, "waits-for-the-tree", owner=BOB, locks=("tree",), priority=9)
    drop(shop, "free-of-locks", owner=BOB)
    drop(shop, "a3", "a4", owner=ALICE, priority=8)
    end(shop, "a0")
    assert shop.sent() == ["free-of-locks"]


def test_sessions_share_the_places_of_one_submitter() -> None:
    shop = shop_of(0)
    drop(shop, *(f"x{number}" for number in range(9)), session="x")
    drop(shop, *(f"y{number}" for number in range(2)), session="y")
    shop.benches = [a_bench("medium", 6)]
    shop.turn()
    assert Counter(shop.task(name).session for name, _ in shop.board.runs.open()) == {"x": 4, "y": 2}


# Locks


def test_a_lock_that_becomes_free_wakes_in_the_same_turn_only_who_is_next() -> None:
    shop = shop_of(8)
    drop(shop, "one", "two", "three", locks=("tree",))
    assert [shop.task(name).park is None for name in ("one", "two", "three")] == [True, False, False]
    end(shop, "one")
    assert shop.sent() == ["two"]
    assert shop.events("three").count("task.parked") == 1, "nobody woke it for nothing"


def test_locks_are_taken_all_or_none_and_names_are_compared_as_written() -> None:
    shop = shop_of(8)
    drop(shop, "one", locks=("tree",))
    drop(shop, "both", locks=("house", "tree"))
    drop(shop, "other", locks=("Tree",))
    assert {name for name, _ in shop.board.runs.open()} == {"one", "other"}
    drop(shop, "house", locks=("house",))
    assert shop.task("house").park is not None, "the riper one comes first for it"
    end(shop, "one")
    assert shop.sent() == ["both"]
    end(shop, "both")
    assert shop.sent() == ["house"]


def test_who_waits_in_a_tier_that_is_paused_keeps_nobody_from_a_lock() -> None:
    shop = shop_of(1, "medium", "high")
    drop(shop, "one", locks=("tree",))
    drop(shop, "halted", tier="high", locks=("tree",))
    drop(shop, "next", locks=("tree",))
    shop.ask("pause", tier="high")
    end(shop, "one")
    assert shop.sent() == ["next"]
    shop.ask("resume", tier="high")
    end(shop, "next")
    assert shop.sent() == ["halted"]


def test_a_run_that_is_made_again_gives_its_locks_up_meanwhile() -> None:
    shop = shop_of(8)
    drop(shop, "one", "two", locks=("tree",))
    shop.finish("one", bill=Bill.NONE, usage=None, error=an_error())
    assert shop.sent() == ["two"]
    shop.now += MINUTE
    shop.turn()
    assert shop.sent() == []
    assert shop.task("one").park is not None, "now it waits for the other"
    end(shop, "two")
    assert shop.sent() == ["one"]


def test_who_is_cancelled_in_the_line_leaves_it() -> None:
    shop = shop_of(8)
    drop(shop, "one", "gone", "two", locks=("tree",))
    shop.ask("cancel", ids=["gone"])
    end(shop, "one")
    assert shop.sent() == ["two"]
    assert list(shop.board.connection.execute("SELECT * FROM lock_line")) == []


# Times


@pytest.mark.parametrize("why", ["dependency", "lock", "schedule", "budget"])
def test_a_task_expires_whatever_it_waits_for(why: str) -> None:
    shop = shop_of(8)
    shop.budget = a_budget(monthly=30_000_000)  # for the holder's call and half of another
    drop(shop, "holder", locks=("tree",))
    asked: dict[str, dict[str, object]] = {
        "dependency": {"depends_on": ("nobody",)},
        "lock": {"locks": ("tree",)},
        "schedule": {"not_before": shop.now + HOUR},
        "budget": {},
    }
    drop(shop, "late", expires_at=shop.now + MINUTE, **asked[why])
    park = shop.task("late").park
    assert park is not None
    assert park.reason == {"lock": "dependency"}.get(why, why)
    wakes = shop.board.tasks.next_wake()
    assert wakes is not None
    assert wakes <= shop.now + MINUTE
    shop.now += MINUTE
    shop.turn()
    error = shop.board.tasks.error_of(shop.task("late").seq)
    assert error is not None
    assert error["class"] == "expired"


def test_who_is_at_work_when_his_time_is_over_wakes_nobody() -> None:
    shop = shop_of(8)
    drop(shop, "busy", expires_at=shop.now + MINUTE)
    assert shop.board.tasks.next_wake() is None


def test_a_time_in_the_past_makes_a_task_neither_wait_nor_more_urgent() -> None:
    shop = shop_of(0)
    drop(shop, "early", not_before=shop.now - HOUR)
    assert shop.task("early").park is None
    assert effective(ripe(shop, "early"), shop.now) == 5


def test_waiting_counts_from_the_time_that_was_asked_for() -> None:
    shop = shop_of(0)
    drop(shop, "later", not_before=shop.now + HOUR)
    park = shop.task("later").park
    assert park is not None
    assert (park.reason, park.until) == (ParkReason.SCHEDULE, shop.now + HOUR)
    shop.now += HOUR
    shop.turn()
    assert shop.task("later").status is Status.PENDING
    assert effective(ripe(shop, "later"), shop.now) == 5


# Circles


def test_a_circle_that_a_later_file_would_close_is_refused() -> None:
    shop = shop_of(0)
    drop(shop, "one", depends_on=("two",))
    drop(shop, "two", depends_on=("three",))
    drop(shop, "three", inputs={"it": "ONE"}, depends_on=("ONE",))
    assert [deed.error["class"] for deed in shop.deeds if isinstance(deed, RejectClaim)] == ["cycle"]
    assert shop.board.tasks.get("three") is None


def test_a_circle_within_one_file_is_refused_whatever_the_case_of_its_ids() -> None:
    shop = shop_of(0)
    shop.drop(a_new_task("one", depends_on=("TWO",)), a_new_task("Two", depends_on=("ONE",)))
    assert [deed.error["class"] for deed in shop.deeds if isinstance(deed, RejectClaim)] == ["cycle"]
    assert shop.board.tasks.get("one") is None


def test_when_those_who_wait_fail_together_what_they_needed_is_urgent_only_for_itself() -> None:
    shop = Workshop(benches=[])
    own = shop.now + 9 * STEP
    shop.drop(a_new_task("root", priority=1))
    shop.drop(a_new_task("doomed", priority=1))
    shop.drop(a_new_task("last", priority=9, depends_on=["middle", "doomed"]))
    shop.drop(a_new_task("middle", priority=5, depends_on=["root", "doomed"]))
    assert shop.task("root").ripe_at == shop.task("last").ripe_at < own
    shop.ask("cancel", ids=["doomed"])
    shop.file()
    shop.file()
    assert [shop.task(name).outcome for name in ("middle", "last")] == ["failed", "failed"]
    assert shop.task("root").ripe_at == own
