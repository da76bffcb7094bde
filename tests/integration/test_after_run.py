"""What follows a run: bad work goes up once, answers are judged, and no question costs anybody his answer."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from koubou.model.account import AccountKey
from koubou.model.call import Bill, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.deed import Say
from koubou.model.instant import MINUTE, SECOND
from koubou.model.phase import Lesser, Phase
from koubou.model.routing import Judge, Routing
from koubou.model.status import ParkReason, Status
from koubou.model.task import Difficulty, Sensitivity
from koubou.model.tier import Reach
from koubou.rules.breaker import circuit_of, circuit_of_key
from tests.builders import NOW, ROUTING, a_bench, a_budget, a_new_task, a_tier, an_error, tiers
from tests.turns import Workshop

JUDGED = replace(ROUTING, judge=Judge(tier="local"))


def a_shop(routing: Routing = ROUTING, **changes: Any) -> Workshop:
    return Workshop(routing=routing, **{"budget": a_budget(monthly=None), **changes})


def drop(shop: Workshop, **asked: Any) -> None:
    shop.drop(a_new_task(**{"difficulty": Difficulty.MEDIUM, **asked}))
    assert shop.sent() == ["a-task"]
    shop.start()


def end(shop: Workshop, **how: Any) -> None:
    """The run is over, and the next one, if any, has begun."""
    shop.now += SECOND
    shop.finish(**{"started_at": shop.run().admitted_at, "finished_at": shop.now, **how})
    if shop.sent():
        shop.start()


def fail(shop: Workshop, kind: ErrorClass = ErrorClass.SERVER, **how: Any) -> None:
    end(shop, error=an_error(kind, **how), bill=Bill.NONE, usage=None, finish_reason=None)


def stands(shop: Workshop) -> tuple[str, Phase, str | None]:
    """Where, for what, and how it ended."""
    task = shop.task()
    return task.tier or "", task.phase, task.outcome


def test_an_incomplete_answer_goes_up_once_and_the_next_is_taken_as_it_is() -> None:
    shop = a_shop()
    drop(shop)
    end(shop, missing=("expect[0]",))
    assert stands(shop) == ("high", Phase.ANSWER, None)
    end(shop, missing=("expect[0]",))
    assert stands(shop) == ("high", Phase.ANSWER, Status.COMPLETED)
    assert shop.events().count("task.upgraded") == 1
    shop = a_shop()
    drop(shop, difficulty=Difficulty.LOW)
    end(shop, missing=("expect[0]",))
    end(shop, missing=("expect[0]",))
    assert stands(shop) == ("medium", Phase.ANSWER, Status.COMPLETED)
    poor = dict(shop.board.connection.execute("SELECT tier, poor FROM experience").fetchall())
    assert poor == {}, "what nobody can do proves nothing"
    shop = a_shop()
    drop(shop, difficulty=Difficulty.LOW)
    end(shop, missing=("expect[0]",))
    end(shop)
    told = dict(shop.board.connection.execute("SELECT tier, poor FROM experience").fetchall())
    assert told == {"local": 1, "medium": 0}


def test_an_incomplete_answer_is_taken_where_nobody_is_above_or_the_task_asked_for_its_tier() -> None:
    for asked in ({"difficulty": Difficulty.HIGH}, {"tier": "medium"}, {"sensitivity": Sensitivity.CONFIDENTIAL}):
        shop = a_shop()
        drop(shop, **asked)
        end(shop, missing=("expect[0]",))
        assert shop.task().outcome is Status.COMPLETED
        assert "task.incomplete" in shop.events()


def test_work_that_failed_twice_goes_up() -> None:
    shop = a_shop()
    drop(shop)
    fail(shop)
    while not shop.sent():
        shop.now += SECOND
        shop.turn()
    assert shop.run().tier == "medium"
    shop.start()
    fail(shop)
    assert stands(shop) == ("high", Phase.ANSWER, None)


def test_a_poor_answer_goes_up_and_a_good_one_is_taken() -> None:
    for said, tier, outcome in (("0.49", "high", None), ("0.5", "medium", Status.COMPLETED)):
        shop = a_shop(JUDGED)
        drop(shop)
        end(shop)
        assert stands(shop) == ("local", Phase.JUDGE, None)
        end(shop, said=said, answer_bytes=3)
        assert (shop.task().tier, shop.task().outcome) == (tier, outcome)
        assert shop.task().judge_score == float(said)
    assert shop.task().answer_bytes == 10, "the answer's, not the judge's"
    assert shop.task().run == 1


def test_a_poor_answer_of_the_highest_tier_is_taken() -> None:
    shop = a_shop(JUDGED)
    drop(shop, difficulty=Difficulty.HIGH)
    end(shop)
    end(shop, said="0.1")
    assert stands(shop)[::2] == ("high", Status.COMPLETED)


@pytest.mark.parametrize(
    "how",
    [
        {"error": an_error(), "bill": Bill.NONE, "usage": None},
        {"error": an_error(ErrorClass.RATE, retry_after=MINUTE), "bill": Bill.NONE, "usage": None},
        {"error": an_error(ErrorClass.AUTH), "bill": Bill.NONE, "usage": None},
        {"said": None},
        {"said": "very good"},
    ],
)
def test_whatever_happens_to_the_judge_the_answer_is_kept(how: dict[str, Any]) -> None:
    shop = a_shop(JUDGED)
    drop(shop)
    end(shop)
    end(shop, **how)
    assert stands(shop)[::2] == ("medium", Status.COMPLETED)
    assert shop.task().run == 1
    assert shop.month().held == 0


def test_without_money_for_the_judge_the_answer_is_kept() -> None:
    dear = replace(JUDGED, judge=Judge(tier="high"))
    shop = a_shop(dear)
    drop(shop)
    shop.budget = a_budget(monthly=600_000)
    end(shop, examined=True)
    assert stands(shop)[::2] == ("medium", Status.COMPLETED)
    assert "no money" in " ".join(reason for _, _, reason, _ in shop.board.history.of_task(shop.task().seq))


def test_a_judge_that_is_not_local_is_never_shown_what_is_secret() -> None:
    shop = a_shop(replace(JUDGED, judge=Judge(tier="high")))
    drop(shop, sensitivity=Sensitivity.CONFIDENTIAL)
    end(shop)
    assert stands(shop)[::2] == ("local", Status.COMPLETED)


def test_without_a_level_from_the_model_that_was_asked_the_score_stands() -> None:
    for said, tier in (("high", "high"), (None, "medium"), ("dunno", "medium")):
        shop = a_shop(replace(ROUTING, difficulty_judge="local"))
        shop.drop(a_new_task(score=4))
        assert shop.run().tier == "local"
        shop.start()
        end(shop, said=said)
        assert stands(shop)[:2] == (tier, Phase.ANSWER)


def lesser(policy: Lesser) -> Workshop:
    """A shop whose medium tier is down, and what it does about that."""
    down = tiers(a_tier("high"), a_tier("medium", unfit="it is down"), a_tier("local"))
    return a_shop(replace(ROUTING, otherwise=policy), tiers=down)


def test_work_that_meets_a_lesser_tier_is_checked_by_a_second_call() -> None:
    shop = lesser(Lesser.VERIFY)
    drop(shop)
    assert stands(shop)[:2] == ("local", Phase.ANSWER)
    end(shop)
    assert stands(shop) == ("local", Phase.JUDGE, None)
    end(shop, said="0.9")
    assert shop.task().outcome is Status.COMPLETED


def test_work_that_meets_a_lesser_tier_is_simplified_or_goes_on() -> None:
    for policy in (Lesser.SIMPLIFY, Lesser.PROCEED):
        shop = lesser(policy)
        drop(shop)
        assert shop.task().lesser is policy
        end(shop)
        assert shop.task().outcome is Status.COMPLETED


def test_work_that_would_meet_a_lesser_tier_waits_for_its_own() -> None:
    shop = lesser(Lesser.DEFER)
    shop.drop(a_new_task(difficulty=Difficulty.MEDIUM))
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.TIER
    assert "waits for medium" in park.detail


@pytest.mark.parametrize("sensitivity", [Sensitivity.PUBLIC, Sensitivity.CONFIDENTIAL])
def test_work_goes_on_in_a_lesser_tier_where_the_one_that_it_would_wait_for_has_failed_it(
    sensitivity: Sensitivity,
) -> None:
    pair = tiers(a_tier("medium", reach=Reach.LOCAL, retries=0), a_tier("local"))
    shop = a_shop(replace(ROUTING, otherwise=Lesser.DEFER), tiers=pair)
    drop(shop, sensitivity=sensitivity)
    fail(shop, ErrorClass.SERVER)
    assert stands(shop)[0] == "local"
    assert (shop.task().park, shop.task().lesser) == (None, Lesser.PROCEED)


def test_hard_work_is_not_sent_to_a_cheaper_tier_because_most_of_its_own_money_is_used() -> None:
    for difficulty, tier in ((Difficulty.HIGH, "high"), (Difficulty.MEDIUM, "local")):
        shop = a_shop(budget=a_budget(monthly=None, task=100_000_000))
        drop(shop, difficulty=difficulty, max_output_tokens=2_000)
        shop.board.ledger.count(AccountKey("task:a-task"), 75_000_000)
        fail(shop, ErrorClass.SERVER)
        shop.now += MINUTE
        shop.turn()
        assert shop.task().tier == tier


@pytest.mark.parametrize("kind", [ErrorClass.MODEL, ErrorClass.AUTH, ErrorClass.QUOTA])
def test_what_is_secret_waits_for_a_local_tier_that_is_down(kind: ErrorClass) -> None:
    shop = a_shop()
    drop(shop, sensitivity=Sensitivity.CONFIDENTIAL)
    fail(shop, kind)
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.SECRECY
    assert shop.sent() == []


def resting(name: str, state: CircuitState) -> Circuit:
    left_alone = replace(half_open(name, NOW), state=state)
    return left_alone if state is CircuitState.HALF_OPEN else replace(left_alone, retry_at=NOW + MINUTE)


@pytest.mark.parametrize("state", [CircuitState.OPEN, CircuitState.HALF_OPEN])
def test_a_task_that_its_tier_has_failed_waits_for_another_that_is_only_left_alone(state: CircuitState) -> None:
    shop = a_shop(tiers=tiers(a_tier("high"), a_tier("medium", fallback=None)))
    drop(shop, difficulty=Difficulty.HIGH)
    shop.board.circuits.put(resting(circuit_of(shop.tiers["medium"]), state))
    if state is CircuitState.HALF_OPEN:
        shop.drop(a_new_task("trying", tier="medium"))  # somebody else tries it
        assert shop.task("trying").tier == "medium"
    fail(shop, ErrorClass.AUTH)
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.TIER
    shop.ask("resume", tier="medium")
    assert shop.task().tier == "medium"


def test_a_task_does_not_wait_for_a_tier_that_could_not_take_it_anyway() -> None:
    """Nobody would ever try that tier with it, and it would wait for ever."""
    small = a_tier("medium", fallback=None, context_tokens=8_192)
    shop = a_shop(tiers=tiers(a_tier("high", context_tokens=8_192), small))
    drop(shop, difficulty=Difficulty.HIGH)
    shop.board.circuits.put(resting(circuit_of(small), CircuitState.OPEN))
    fail(shop, ErrorClass.CONTEXT)
    assert stands(shop)[2] is Status.FAILED


def test_a_task_waits_for_another_tier_that_may_not_be_asked_for_long() -> None:
    shop = a_shop(tiers=tiers(a_tier("high"), a_tier("medium", fallback=None)))
    drop(shop, difficulty=Difficulty.HIGH)
    quiet = Circuit(name=circuit_of(shop.tiers["medium"]), quiet_until=NOW + 10 * MINUTE, changed_at=NOW)
    shop.board.circuits.put(quiet)
    fail(shop, ErrorClass.AUTH)
    park = shop.task().park
    assert park is not None
    assert (park.reason, park.until) == (ParkReason.RATE, NOW + 10 * MINUTE)


def test_no_connection_is_no_fault_of_the_task_that_found_out() -> None:
    shop = a_shop(tiers=tiers(a_tier("local", retries=0)))
    drop(shop, difficulty=Difficulty.LOW)
    fail(shop, ErrorClass.UNREACHABLE)
    assert stands(shop)[2] is Status.FAILED, "one failure opens no circuit"
    shop = a_shop(tiers=tiers(a_tier("local", retries=0)))
    shop.drop(*[a_new_task(f"t{number}", difficulty=Difficulty.LOW) for number in range(5)])
    for number in range(5):
        shop.start(f"t{number}")
    for number in range(5):
        name = f"t{number}"
        refused = {"error": an_error(ErrorClass.UNREACHABLE), "bill": Bill.NONE, "usage": None, "finish_reason": None}
        shop.finish(name, started_at=shop.run(name).admitted_at, finished_at=shop.now, **refused)
    assert [shop.task(f"t{number}").outcome for number in range(5)] == [Status.FAILED] * 4 + [None]


def half_open(name: str, since: int) -> Circuit:
    return Circuit(name=name, state=CircuitState.HALF_OPEN, wait=MINUTE, opened_at=NOW, changed_at=since)


def test_a_tier_that_only_judges_is_tried_out_too() -> None:
    shop = a_shop(JUDGED)
    shop.board.circuits.put(half_open(circuit_of(shop.tiers["local"]), NOW))
    drop(shop)
    end(shop)
    assert stands(shop) == ("local", Phase.JUDGE, None)


def test_a_key_that_is_tried_lets_no_second_call_to_a_model_that_is_tried() -> None:
    both = {name: a_tier(name, model="of-both") for name in ("high", "medium")}
    shop = a_shop(tiers=both)
    shop.board.circuits.put(half_open(circuit_of(both["medium"]), NOW))
    drop(shop)
    assert shop.run().tier == "medium"
    shop.now += SECOND
    shop.board.circuits.put(half_open(circuit_of_key("high"), shop.now))
    shop.drop(a_new_task("other", difficulty=Difficulty.HIGH))
    assert shop.sent() == []
    end(shop)
    shop.turn()
    assert shop.run("other").tier == "high"


def test_tiers_of_one_model_that_comes_back_have_one_call_between_them() -> None:
    both = {name: a_tier(name, model="of-both") for name in ("high", "medium")}
    shop = a_shop(tiers=both)
    shop.board.circuits.put(half_open(circuit_of(both["medium"]), NOW))
    shop.drop(*[a_new_task(str(level), difficulty=level) for level in (Difficulty.HIGH, Difficulty.MEDIUM)])
    assert len(shop.sent()) == 1


def test_nobody_waits_for_a_judge_that_is_paused() -> None:
    shop = a_shop(JUDGED)
    shop.ask("pause", tier="local")
    drop(shop)
    end(shop)
    assert stands(shop) == ("medium", Phase.JUDGE, Status.COMPLETED)


def test_an_answer_that_waits_to_be_judged_is_taken_when_its_judge_is_paused() -> None:
    shop = a_shop(JUDGED, benches=[a_bench("medium")])
    drop(shop)
    end(shop)
    assert stands(shop) == ("local", Phase.JUDGE, None)
    shop.ask("pause", tier="local")
    assert stands(shop) == ("medium", Phase.JUDGE, Status.COMPLETED)


def test_a_program_in_the_house_is_not_judged_in_the_cloud() -> None:
    program = a_tier("local", executor="command:review")
    for judge, judged in (("high", False), ("local", True)):
        shop = a_shop(replace(ROUTING, judge=Judge(tier=judge)), tiers=tiers(a_tier("high"), a_tier("medium"), program))
        drop(shop, tier="local")
        end(shop)
        assert (shop.task().outcome is None) is judged


def test_a_tier_that_a_person_takes_as_well_has_recovered() -> None:
    shop = a_shop()
    drop(shop)
    fail(shop, ErrorClass.AUTH)
    shop.ask("resume", tier="medium")
    assert [deed.event for deed in shop.deeds if isinstance(deed, Say)].count("tier.recovered") == 1
    shop.ask("resume", tier="medium")
    assert "tier.recovered" not in [deed.event for deed in shop.deeds if isinstance(deed, Say)]


def test_a_person_may_release_what_reads_a_secret_answer() -> None:
    shop = a_shop()
    drop(shop, sensitivity=Sensitivity.CONFIDENTIAL)
    end(shop)
    shop.file()
    shop.tiers = tiers(a_tier("high"), a_tier("medium"), a_tier("local", unfit="gone"))
    reads = {"depends_on": ["a-task"], "inputs": {"found": "a-task"}}
    shop.drop(a_new_task("reader", prompt="Say again: {{ inputs.found }}", **reads))
    assert shop.task("reader").sensitivity is Sensitivity.CONFIDENTIAL
    shop.ask("release", id="reader", to="internal", reason="it is no secret any more")
    shop.turn()
    assert shop.task("reader").sensitivity is Sensitivity.INTERNAL
    assert shop.task("reader").tier == "medium"


def test_whose_worker_had_to_leave_and_says_so_is_not_to_blame() -> None:
    shop = a_shop()
    drop(shop, retries=0)
    for _ in range(3):
        fail(shop, ErrorClass.LOST)
        assert stands(shop)[2] is None
        assert shop.task().failures == 0


def test_a_task_that_is_to_be_held_is_not_run_again_by_itself_when_its_worker_had_to_leave() -> None:
    shop = a_shop()
    drop(shop, on_interrupt="hold")
    fail(shop, ErrorClass.LOST)
    task = shop.task()
    assert (task.status, task.park and task.park.reason) == (Status.PENDING, ParkReason.INTERRUPTED)
