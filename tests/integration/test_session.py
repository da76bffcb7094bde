"""Sessions of agents: a login that is refused three times in a row stops the tier, is told once, and comes back."""

from __future__ import annotations

from typing import Any

import pytest

from koubou.model.agent import Manner
from koubou.model.call import Bill, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.deed import AnswerCall, Say
from koubou.model.gate import Granted, Wanted
from koubou.model.heard import CallAsked, CallEnded, IssueClosed, NoticeTold, RunFinished
from koubou.model.instant import MINUTE, SECOND
from koubou.model.notice import Audience, Channel, Told, Watched
from koubou.model.status import Park, ParkReason, Status
from koubou.model.task import Sensitivity
from koubou.model.tier import Tier
from koubou.rules.breaker import circuit_of_key
from koubou.rules.latches import latch_of_key
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_tier, an_error, tiers
from tests.turns import Workshop

KEY = circuit_of_key("high")


def an_agent(**changes: Any) -> Tier:
    values = {"executor": "codex", "agent": Manner(program="/opt/codex"), "fallback": None, "retry_delay": 30 * SECOND}
    return a_tier("high", **values | changes)


def a_shop(*others: Tier, **agent: Any) -> Workshop:
    """A workshop in which an agent does the hard work; it has a guardian."""
    return Workshop(
        tiers=tiers(an_agent(**agent), *others),
        budget=a_budget(monthly=None),
        benches=[a_bench("high"), a_bench("medium"), a_bench("local")],
        audience=Audience(channels=(Channel.GITHUB, Channel.WEBHOOK)),
    )


def begin(shop: Workshop, *names: str, **asked: Any) -> None:
    """Tasks of the agent, all at work."""
    shop.drop(*[a_new_task(name, tier="high", **asked) for name in names])
    for name in names:
        shop.start(name)


def end(shop: Workshop, name: str, **how: Any) -> None:
    """A run of the agent is over: it was begun when it was admitted, and no call of its own is known."""
    run = shop.run(name)
    shop.now += SECOND
    values = {"bill": Bill.NONE, "usage": None, "started_at": run.admitted_at, "finished_at": shop.now}
    shop.turn(RunFinished(result=a_result(name, run.number, run.call, **values | how)))


def refuse(shop: Workshop, *names: str, **error: Any) -> None:
    """Its login or key is refused."""
    for name in names:
        end(shop, name, error=an_error(ErrorClass.AUTH, **error), finish_reason=None)


def answer_a_call(shop: Workshop, name: str) -> None:
    """One call of a run is let through, and answered."""
    number = shop.run(name).number
    wanted = Wanted(task=name, run=number, ticket=1, tier="high", input_tokens=100, cap=500)
    shop.turn(CallAsked(wanted=wanted))
    (granted,) = [deed.answer for deed in shop.deeds if isinstance(deed, AnswerCall)]
    assert isinstance(granted, Granted)
    shop.turn(CallEnded(result=a_result(name, number, granted.call, started_at=shop.now, finished_at=shop.now)))


def circuit(shop: Workshop) -> Circuit:
    """How the login stands; as new where nothing was seen of it."""
    return shop.board.circuits.all().get(KEY, Circuit(name=KEY))


def park(shop: Workshop, name: str) -> Park:
    """Why a task waits."""
    found = shop.task(name).park
    assert found is not None
    return found


def said(shop: Workshop) -> list[str]:
    """The events that the last turn tells."""
    return [deed.event for deed in shop.deeds if isinstance(deed, Say)]


def notices(shop: Workshop) -> list[tuple[str, str]]:
    """(kind, channel) of all that the guardian was or is to be told."""
    rows = shop.board.connection.execute("SELECT kind, channel FROM notice ORDER BY at, channel")
    return [(row["kind"], row["channel"]) for row in rows]


def stop(shop: Workshop) -> None:
    """Three runs are refused: the tier is stopped, and its issue is number 7."""
    begin(shop, "a", "b", "c")
    refuse(shop, "a", "b", "c")
    assert circuit(shop).state is CircuitState.OPEN
    (incident,) = shop.board.connection.execute("SELECT DISTINCT incident FROM notice").fetchone()
    shop.turn(NoticeTold(incident=incident, channel=Channel.GITHUB, tries=1, how=Told(issue=7)))


def close_issue(shop: Workshop) -> None:
    """A person closes the issue."""
    [watched] = shop.board.notices.watched()
    shop.turn(IssueClosed(incident=watched.incident, circuit=watched.circuit, issue=watched.issue))


def test_a_login_that_is_refused_is_tried_again_after_the_delay_and_uses_up_no_try() -> None:
    shop = a_shop(a_tier("medium"), fallback="medium", retries=0)
    begin(shop, "a")
    for _ in range(2):
        refuse(shop, "a")
        assert (park(shop, "a").reason, park(shop, "a").until) == (ParkReason.TIER, shop.now + 30 * SECOND)
        assert shop.task("a").failures == 0
        assert shop.board.crew.latches() == {}
        shop.now += 30 * SECOND
        shop.turn()
        assert shop.run("a").tier == "high"
        shop.start("a")
    assert notices(shop) == []
    end(shop, "a")
    assert shop.task("a").outcome is Status.COMPLETED


def test_at_the_third_in_a_row_the_tier_stops_and_the_guardian_is_told_once() -> None:
    shop = a_shop()
    begin(shop, "a", "b", "c", "d")
    refuse(shop, "a", "b")
    assert latch_of_key("high") not in shop.board.crew.latches()
    refuse(shop, "c")
    assert said(shop).count("session.timeout") == 1
    assert latch_of_key("high") in shop.board.crew.latches()
    assert notices(shop) == [("session_timeout", "github"), ("session_timeout", "webhook")]
    refuse(shop, "d")
    assert "session.timeout" not in said(shop)
    assert len(notices(shop)) == 2
    for name in ("c", "d"):
        assert shop.task(name).outcome is None
        assert (park(shop, name).reason, park(shop, name).until) == (ParkReason.TIER, None)
        assert "its session is over" in park(shop, name).detail
    shop.now += MINUTE
    shop.turn()
    assert shop.sent() == []
    assert park(shop, "a").until is None, "who waited for another try waits for the tier now"


@pytest.mark.parametrize("by", ["call", "run"])
def test_an_answer_between_makes_them_no_row(by: str) -> None:
    shop = a_shop()
    begin(shop, "a", "b", "c", "d", "good")
    refuse(shop, "a", "b")
    if by == "call":
        answer_a_call(shop, "good")
    else:
        end(shop, "good")
    refuse(shop, "c", "d")
    assert circuit(shop).state is CircuitState.CLOSED
    assert notices(shop) == []


def test_a_key_beside_which_there_is_another_does_not_count() -> None:
    shop = a_shop()
    begin(shop, "a", "b", "c")
    refuse(shop, "a", "b", "c", another_key=True)
    assert circuit(shop).state is CircuitState.CLOSED


def test_what_has_somewhere_else_to_go_goes_there() -> None:
    shop = a_shop(a_tier("medium"), a_tier("local"), fallback="medium")
    begin(shop, "a", "b", "c")
    refuse(shop, "a", "b", "c")
    assert shop.run("c").tier == "medium"
    shop.drop(a_new_task("new", tier="high"))
    assert shop.run("new").tier == "medium"
    shop.now += MINUTE
    shop.turn()
    assert shop.run("a").tier == "medium"


def test_what_is_left_by_another_tier_waits_for_the_one_that_is_stopped() -> None:
    shop = a_shop(a_tier("medium", fallback="high", retries=0))
    stop(shop)
    shop.drop(a_new_task("other", tier="medium"))
    shop.start("other")
    shop.finish("other", error=an_error(), bill=Bill.NONE, usage=None, finish_reason=None)
    shop.turn()
    assert shop.task("other").outcome is None
    assert park(shop, "other").reason is ParkReason.TIER


def test_it_is_looked_at_after_five_minutes_and_one_task_tries_it() -> None:
    shop = a_shop()
    stop(shop)
    shop.now = circuit(shop).changed_at + 5 * MINUTE - 1
    shop.turn()
    assert circuit(shop).state is CircuitState.OPEN
    shop.now += 1
    shop.turn()
    shop.turn()
    assert latch_of_key("high") not in shop.board.crew.latches()
    [tried] = [name for name in ("a", "b", "c") if shop.task(name).status is Status.ASSIGNED]
    shop.start(tried)
    answer_a_call(shop, tried)
    assert "session.recovered" in said(shop)
    assert circuit(shop).state is CircuitState.CLOSED
    shop.turn()
    assert all(shop.task(name).park is None for name in ("a", "b", "c"))
    end(shop, tried)
    assert shop.task(tried).outcome is Status.COMPLETED


def test_one_that_is_not_well_is_looked_at_every_five_minutes() -> None:
    shop = a_shop()
    stop(shop)
    shop.sick.add(KEY)
    for _ in range(3):
        shop.now = circuit(shop).retry_at or 0
        shop.turn()
        assert circuit(shop).retry_at == shop.now + 5 * MINUTE
    assert latch_of_key("high") in shop.board.crew.latches()
    assert len(notices(shop)) == 2


def test_tried_in_vain_it_stops_again_and_is_told_of_no_second_time() -> None:
    shop = a_shop()
    stop(shop)
    shop.now += 5 * MINUTE
    shop.turn()
    shop.turn()
    [tried] = [name for name in ("a", "b", "c") if shop.task(name).status is Status.ASSIGNED]
    shop.start(tried)
    refuse(shop, tried)
    assert latch_of_key("high") in shop.board.crew.latches()
    assert circuit(shop).retry_at == shop.now + 5 * MINUTE
    assert len(notices(shop)) == 2
    assert park(shop, tried).reason is ParkReason.TIER
    assert [each.issue for each in shop.board.notices.watched()] == [7]


def test_the_end_of_a_run_that_began_before_says_nothing_of_a_session_that_comes_back() -> None:
    shop = a_shop()
    begin(shop, "old", "older")
    stop(shop)
    shop.now += 5 * MINUTE
    shop.turn()
    assert circuit(shop).state is CircuitState.HALF_OPEN
    refuse(shop, "old")
    end(shop, "older")
    assert circuit(shop).state is CircuitState.HALF_OPEN


def test_credit_that_is_used_up_stops_it_at_once_and_no_refusal_undoes_that() -> None:
    shop = a_shop()
    begin(shop, "a", "b", "c", "d")
    end(shop, "a", error=an_error(ErrorClass.QUOTA), finish_reason=None)
    assert notices(shop)[0][0] == "tier_degraded"
    assert shop.task("a").outcome is Status.FAILED
    refuse(shop, "b", "c", "d")
    assert circuit(shop).state is CircuitState.CLOSED
    shop.now += 5 * MINUTE
    shop.turn()
    assert latch_of_key("high") in shop.board.crew.latches()


def test_who_alone_is_refused_while_others_are_answered_is_not_tried_for_ever() -> None:
    shop = a_shop()
    begin(shop, "a")
    for _ in range(2):
        answer_a_call(shop, "a")
        refuse(shop, "a")
        shop.now += MINUTE
        shop.turn()
        shop.start("a")
    answer_a_call(shop, "a")
    refuse(shop, "a")
    assert circuit(shop).state is CircuitState.CLOSED
    assert shop.task("a").outcome is Status.FAILED


def test_refusals_before_a_stop_are_not_held_against_who_is_tried_after_it() -> None:
    shop = a_shop()
    begin(shop, "a")
    for _ in range(2):
        refuse(shop, "a")
        shop.now += MINUTE
        shop.turn()
        shop.start("a")
    refuse(shop, "a")
    shop.now += 5 * MINUTE
    shop.turn()
    shop.turn()
    shop.start("a")
    answer_a_call(shop, "a")
    assert circuit(shop).state is CircuitState.CLOSED
    refuse(shop, "a")
    assert park(shop, "a").until == shop.now + 30 * SECOND


def test_a_confidential_task_waits_for_its_local_agent() -> None:
    shop = a_shop(reach=a_tier("local").reach)
    begin(shop, "a", "b", "c", sensitivity=Sensitivity.CONFIDENTIAL)
    refuse(shop, "a", "b", "c")
    assert [shop.task(name).outcome for name in ("a", "b", "c")] == [None] * 3
    assert circuit(shop).state is CircuitState.OPEN


def test_a_tier_that_is_no_agents_is_left_alone_at_the_first_refusal_as_before() -> None:
    shop = a_shop(a_tier("medium", fallback=None))
    shop.drop(a_new_task("a", tier="medium"))
    shop.start("a")
    refuse(shop, "a")
    assert notices(shop)[0][0] == "tier_degraded"
    assert shop.task("a").outcome is Status.FAILED


def test_a_slow_answer_says_nothing_against_the_key() -> None:
    shop = a_shop(slow_after=SECOND)
    begin(shop, "a", "b", "c", "d")
    refuse(shop, "a", "b")
    number = shop.run("c").number
    wanted = Wanted(task="c", run=number, ticket=1, tier="high", input_tokens=100, cap=500)
    shop.turn(CallAsked(wanted=wanted))
    (granted,) = [deed.answer for deed in shop.deeds if isinstance(deed, AnswerCall)]
    assert isinstance(granted, Granted)
    began, shop.now = shop.now, shop.now + MINUTE
    shop.turn(CallEnded(result=a_result("c", number, granted.call, started_at=began, finished_at=shop.now)))
    assert circuit(shop).recent.endswith("+")


def test_a_person_who_takes_it_as_well_has_it_tried_at_once() -> None:
    shop = a_shop()
    stop(shop)
    shop.ask("resume", tier="high")
    assert "session.recovered" in said(shop)
    assert circuit(shop) == Circuit(name=KEY)
    assert shop.task("c").status is Status.ASSIGNED
    shop.now += 30 * SECOND
    shop.turn()
    assert [shop.task(name).status for name in ("a", "b", "c")] == [Status.ASSIGNED] * 3
    assert shop.board.notices.watched() == []


def test_an_issue_is_watched_while_its_stop_lasts_and_only_where_there_is_one() -> None:
    shop = a_shop()
    begin(shop, "a", "b", "c")
    refuse(shop, "a", "b", "c")
    assert shop.board.notices.watched() == []
    (incident,) = shop.board.connection.execute("SELECT DISTINCT incident FROM notice").fetchone()
    shop.turn(NoticeTold(incident=incident, channel=Channel.WEBHOOK, tries=1, how=Told()))
    assert shop.board.notices.watched() == []
    shop.turn(NoticeTold(incident=incident, channel=Channel.GITHUB, tries=1, how=Told(issue=7, found=True)))
    assert shop.board.notices.watched() == [Watched(incident=incident, circuit=KEY, issue=7)]
    shop.now += 5 * MINUTE
    shop.turn()
    assert shop.board.notices.watched() == []


def test_the_issue_of_another_stop_is_not_watched_for_this_one() -> None:
    shop = a_shop()
    stop(shop)
    shop.ask("resume", tier="high")
    shop.now += MINUTE
    shop.turn()
    for name in ("a", "b", "c"):
        shop.start(name)
    refuse(shop, "a", "b", "c")
    assert len(notices(shop)) == 4
    assert shop.board.notices.watched() == []


def test_a_closed_issue_has_the_tier_looked_at_at_once() -> None:
    shop = a_shop()
    stop(shop)
    shop.now += MINUTE
    close_issue(shop)
    assert "guardian.closed" in said(shop)
    shop.turn()
    assert circuit(shop).state is CircuitState.HALF_OPEN
    shop.turn()
    assert any(shop.task(name).status is Status.ASSIGNED for name in ("a", "b", "c"))


def test_a_closed_issue_of_a_tier_that_is_not_well_changes_nothing_but_the_next_look() -> None:
    shop = a_shop()
    stop(shop)
    shop.sick.add(KEY)
    shop.now += MINUTE
    [watched] = shop.board.notices.watched()
    close_issue(shop)
    shop.turn()
    assert (circuit(shop).state, circuit(shop).retry_at) == (CircuitState.OPEN, shop.now + 5 * MINUTE)
    assert len(notices(shop)) == 2
    assert shop.board.notices.watched() == [], "it was seen to be closed"
    shop.now += SECOND
    shop.turn(IssueClosed(incident=watched.incident, circuit=KEY, issue=7))
    assert circuit(shop).retry_at == shop.now - SECOND + 5 * MINUTE, "and is closed once"


def test_a_closed_issue_of_a_session_that_is_back_changes_nothing() -> None:
    shop = a_shop()
    stop(shop)
    [watched] = shop.board.notices.watched()
    shop.ask("resume", tier="high")
    shop.turn(IssueClosed(incident=watched.incident, circuit=KEY, issue=7))
    assert circuit(shop) == Circuit(name=KEY)
