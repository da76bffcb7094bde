"""Calls that agents make: each is held for before it is sent, and settled by itself; what stands in its way is told."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from koubou.model.account import Account, Dimension
from koubou.model.agent import Deeds, Manner
from koubou.model.budget import Limits
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.model.deed import AnswerCall, Say, SendRun
from koubou.model.gate import Denial, Denied, Granted, Wanted
from koubou.model.heard import AgentTold, CallAsked, CallEnded, RunFinished, WorkerGone
from koubou.model.instant import SECOND
from koubou.model.money import USD
from koubou.model.status import ParkReason, Status
from koubou.model.task import Sensitivity
from koubou.model.tier import Tier
from tests.builders import a_budget, a_new_task, a_price, a_result, a_tier, an_error, tiers
from tests.turns import Workshop

CENT = USD // 100


def an_agent(**changes: Any) -> Tier:
    """A cloud tier of an agent, at one dollar a million tokens in and ten out."""
    values = {"executor": "command:it", "agent": Manner(program="/opt/it"), "fallback": None, "price": a_price()}
    return a_tier(changes.pop("name", "high"), **values | changes)


def a_workshop(tier: Tier | None = None, **budget: Any) -> Workshop:
    """A workshop whose hard work an agent does."""
    found = tier or an_agent()
    return Workshop(tiers=tiers(found, a_tier("medium"), a_tier("local")), budget=a_budget(**budget))


def at_work(workshop: Workshop, task_id: str = "a-task", **asked: Any) -> None:
    """A task of the agent, begun."""
    workshop.drop(a_new_task(task_id, tier="high", **asked))
    workshop.start(task_id)


def ask(workshop: Workshop, ticket: int = 1, tokens: int = 1_000, cap: int | None = 500, **changes: Any) -> Any:
    """An agent's call waits; what it is told."""
    run = workshop.run("a-task")
    wanted = Wanted(task="a-task", run=run.number, ticket=ticket, tier="high", input_tokens=tokens, cap=cap)
    workshop.turn(CallAsked(wanted=replace(wanted, **changes)))
    (answer,) = [deed.answer for deed in workshop.deeds if isinstance(deed, AnswerCall)]
    assert answer.ticket == ticket
    return answer


def end(workshop: Workshop, call: str, **result: Any) -> None:
    """A call of the agent ends."""
    workshop.turn(CallEnded(result=a_result("a-task", workshop.run().number, call, **result)))


def finish(workshop: Workshop, **result: Any) -> None:
    """Its run ends; what that cost was told call by call."""
    run = workshop.run()
    workshop.turn(RunFinished(result=a_result("a-task", run.number, run.call, bill=Bill.NONE, usage=None, **result)))


def money(workshop: Workshop) -> tuple[int, int]:
    """Settled and held of the month."""
    account = account_of(workshop, "month:2027-01")
    return account.settled, account.held


def account_of(workshop: Workshop, name: str, dimension: str = Dimension.USD) -> Account:
    """An account that there is."""
    found = workshop.board.ledger.account(name, dimension)
    assert found is not None
    return found


def test_a_run_of_an_agent_holds_its_time_and_no_money() -> None:
    workshop = a_workshop(task=Limits(usd=USD, time=60 * SECOND))
    workshop.drop(a_new_task(tier="high"))
    assert any(isinstance(deed, SendRun) for deed in workshop.deeds)
    assert money(workshop) == (0, 0)
    assert account_of(workshop, "task:a-task", Dimension.TIME).held == 60 * SECOND
    workshop.start()
    finish(workshop)
    assert workshop.task().status is Status.IN_PROGRESS
    workshop.file()
    assert workshop.task().status is Status.COMPLETED
    assert account_of(workshop, "task:a-task", Dimension.TIME).held == 0
    assert account_of(workshop, "task:a-task", Dimension.TIME).settled == SECOND
    assert workshop.board.ledger.usage_of_task("a-task").calls == 0


def test_each_call_is_held_for_and_settled_to_the_token() -> None:
    workshop = a_workshop()
    at_work(workshop)
    granted = ask(workshop)
    assert isinstance(granted, Granted)
    assert granted.cap == 500
    assert money(workshop) == (0, 1_000 * 1_000 + 500 * 10_000)
    end(workshop, granted.call, usage=Usage(input_tokens=900, output_tokens=100))
    assert money(workshop) == (900 * 1_000 + 100 * 10_000, 0)
    again = ask(workshop, ticket=2)
    end(workshop, again.call, usage=Usage(input_tokens=900, output_tokens=100))
    end(workshop, again.call, usage=Usage(input_tokens=900, output_tokens=100))
    assert money(workshop) == (2 * (900 * 1_000 + 100 * 10_000), 0)
    finish(workshop)
    used = workshop.board.ledger.usage_of_task("a-task")
    assert (used.calls, used.cost) == (2, money(workshop)[0])
    assert workshop.run().calls == 2


def test_a_call_that_was_never_sent_gives_its_money_back() -> None:
    workshop = a_workshop()
    at_work(workshop)
    granted = ask(workshop)
    end(workshop, granted.call, bill=Bill.NONE, usage=None, error=an_error(ErrorClass.UNREACHABLE))
    assert money(workshop) == (0, 0)


def test_the_cap_is_lowered_to_what_is_left_and_never_under_the_floor() -> None:
    workshop = a_workshop(monthly=CENT // 2)
    at_work(workshop, prompt="hi")
    granted = ask(workshop, cap=None)
    assert isinstance(granted, Granted)
    assert granted.cap == (CENT // 2 - 1_000_000) // 10_000
    end(workshop, granted.call, usage=Usage(input_tokens=1_000, output_tokens=300))
    refused = ask(workshop, ticket=2, cap=None)
    assert isinstance(refused, Denied)
    assert refused.why is Denial.BUDGET
    assert refused.wait is None
    assert refused.facts["scope"] == "month:2027-01"
    assert {"limit", "spent", "held", "remedy_hint", "limit_source"} <= set(refused.facts)


def test_what_others_only_hold_is_waited_for() -> None:
    workshop = a_workshop(monthly=CENT)
    at_work(workshop)
    first = ask(workshop, cap=900)
    refused = ask(workshop, ticket=2, cap=900)
    assert isinstance(refused, Denied)
    assert refused.why is Denial.BUDGET
    assert refused.wait
    end(workshop, first.call, usage=Usage(input_tokens=10, output_tokens=10))
    assert isinstance(ask(workshop, ticket=3, cap=900), Granted)


def test_a_task_whose_agent_ran_out_of_money_waits_for_just_so_much_and_goes_on_then() -> None:
    workshop = a_workshop(monthly=None, task=Limits(usd=5 * CENT))
    at_work(workshop)
    granted = ask(workshop, tokens=30_000, cap=2_000)
    end(workshop, granted.call, usage=Usage(input_tokens=30_000, output_tokens=1_900))
    refused = ask(workshop, ticket=2, tokens=30_000)
    assert isinstance(refused, Denied)
    finish(workshop, error=an_error(ErrorClass.BUDGET))
    task = workshop.task()
    assert task.park is not None
    assert task.park.reason is ParkReason.BUDGET
    assert "koubou budget add a-task" in task.park.detail
    workshop.turn()
    assert workshop.task().park is not None
    workshop.ask("budget_add", account="task:a-task", dimension="usd", amount=5 * CENT, reason="more")
    workshop.turn()
    assert workshop.task().status is Status.ASSIGNED
    assert workshop.task().run == 2


def test_a_run_that_ends_leaves_no_call_behind_it() -> None:
    workshop = a_workshop()
    at_work(workshop)
    granted = ask(workshop)
    finish(workshop)
    settled, held = money(workshop)
    assert (settled, held) == (1_000 * 1_000 + 500 * 10_000, 0)
    assert account_of(workshop, "month:2027-01").unreconciled == settled
    assert workshop.board.ledger.open_hold(granted.call) is None
    late = ask(workshop, ticket=2)
    assert isinstance(late, Denied)
    assert late.why is Denial.STOP


def test_a_lost_worker_pays_for_what_nobody_knows_and_no_more() -> None:
    workshop = a_workshop()
    at_work(workshop)
    known, unknown = ask(workshop), ask(workshop, ticket=2)
    told = a_result("a-task", 1, known.call, usage=Usage(input_tokens=10, output_tokens=10))
    gone = WorkerGone(worker="worker-of-high", reason="ended", on_purpose=False, results={}, calls=[told])
    workshop.turn(gone)
    assert money(workshop) == (10 * 1_000 + 10 * 10_000 + 1_000 * 1_000 + 500 * 10_000, 0)
    assert workshop.board.ledger.open_hold(unknown.call) is None
    assert workshop.task().outcome is None


def test_what_became_confidential_asks_no_cloud() -> None:
    workshop = a_workshop()
    at_work(workshop)
    with workshop.board.transaction():
        workshop.board.tasks.set_sensitivity(workshop.task(), Sensitivity.CONFIDENTIAL, workshop.now)
    denied = ask(workshop)
    assert isinstance(denied, Denied)
    assert denied.why is Denial.SECRECY
    assert money(workshop) == (0, 0)


def test_an_agent_that_met_a_secret_leaves_its_task_to_a_local_tier() -> None:
    workshop = a_workshop()
    workshop.tiers["medium"] = an_agent(name="medium", fallback="local")
    workshop.drop(a_new_task())
    workshop.start()
    assert workshop.task().tier == "medium"
    finish(workshop, error=an_error(ErrorClass.SECRET, code="private_key"))
    workshop.turn()
    task = workshop.task()
    assert task.sensitivity is Sensitivity.CONFIDENTIAL
    assert task.tier == "local"


def test_the_rate_of_a_tier_counts_its_agents_calls_one_by_one() -> None:
    workshop = a_workshop(an_agent(requests_per_minute=2))
    at_work(workshop)
    answers = [ask(workshop, ticket=number) for number in (1, 2, 3)]
    refused = [answer for answer in answers if isinstance(answer, Denied)]
    assert refused
    assert all(answer.why is Denial.RATE and answer.wait for answer in refused)
    workshop.now += max(answer.wait for answer in refused)
    assert isinstance(ask(workshop, ticket=9), Granted)


def test_failures_of_its_calls_open_the_circuit_and_its_runs_say_nothing_of_it() -> None:
    workshop = a_workshop(an_agent(retries=0))
    at_work(workshop)
    for ticket in range(5):
        end(workshop, ask(workshop, ticket=ticket).call, bill=Bill.NONE, usage=None, error=an_error())
    denied = ask(workshop, ticket=9)
    assert isinstance(denied, Denied)
    assert denied.why is Denial.REST
    assert denied.wait is None


def test_an_emergency_stop_ends_the_calls_of_agents() -> None:
    workshop = a_workshop()
    at_work(workshop)
    workshop.ask("latch", reason="a test")
    denied = ask(workshop)
    assert isinstance(denied, Denied)
    assert denied.why is Denial.STOP


def test_what_an_agent_does_counts_on_its_task() -> None:
    workshop = a_workshop(task=Limits(file_edits=5, commands=9))
    at_work(workshop)
    number = workshop.run().number
    workshop.turn(AgentTold(task="a-task", run=number, session="s-1", deeds=Deeds(edits=2, commands=3)))
    workshop.turn(AgentTold(task="a-task", run=number, session=None, deeds=Deeds(edits=3, commands=3)))
    run = workshop.run()
    assert (run.session, run.edits, run.commands) == ("s-1", 3, 3)
    assert account_of(workshop, "task:a-task", Dimension.FILE_EDITS).settled == 3
    finish(workshop, error=an_error(ErrorClass.OPERATIONS, code="edits"))
    park = workshop.task().park
    assert park is not None
    assert park.reason is ParkReason.OPERATOR
    assert "--file-edits" in park.detail


def test_an_agent_at_work_may_use_the_overdraft_and_the_first_call_may_not() -> None:
    workshop = a_workshop(monthly=None, task=Limits(usd=2 * CENT), overdraft_usd=10 * CENT)
    at_work(workshop)
    first = ask(workshop, tokens=1_000, cap=1_900)
    assert isinstance(first, Granted)
    assert first.cap == (2 * CENT - 1_000_000) // 10_000
    end(workshop, first.call, usage=Usage(input_tokens=1_000, output_tokens=1_800))
    second = ask(workshop, ticket=2, tokens=1_000, cap=1_900)
    assert isinstance(second, Granted)
    end(workshop, second.call, usage=Usage(input_tokens=1_000, output_tokens=1_900))
    third = ask(workshop, ticket=3, tokens=1_000, cap=1_900)
    assert isinstance(third, Denied)


def test_a_run_asks_for_no_other_tier_than_its_own() -> None:
    workshop = a_workshop()
    at_work(workshop)
    denied = ask(workshop, tier="medium")
    assert isinstance(denied, Denied)
    assert denied.why is Denial.STOP
    assert money(workshop) == (0, 0)


def test_a_call_above_its_hold_freezes_the_model() -> None:
    workshop = a_workshop()
    at_work(workshop)
    granted = ask(workshop)
    end(workshop, granted.call, usage=Usage(input_tokens=900_000, output_tokens=100))
    denied = ask(workshop, ticket=2)
    assert isinstance(denied, Denied)
    assert denied.why is Denial.REST
    assert denied.wait is None


def test_the_time_of_a_run_is_counted_once_and_what_was_used_before_stays_used() -> None:
    workshop = a_workshop(task=Limits(usd=USD, time=600 * SECOND))
    at_work(workshop)
    before = account_of(workshop, "task:a-task", Dimension.TIME)
    workshop.board.ledger.count(before.key, 30 * SECOND)
    granted = ask(workshop)
    end(workshop, granted.call, started_at=workshop.now, finished_at=workshop.now + 7 * SECOND)
    after = account_of(workshop, "task:a-task", Dimension.TIME)
    assert (after.settled, after.held) == (30 * SECOND, before.held)
    lines = workshop.board.connection.execute("SELECT sum(time) FROM ledger WHERE call = ?", (granted.call,))
    assert lines.fetchone()[0] == 0


def several(workshop: Workshop, *tiers_asked: str) -> list[Granted | Denied]:
    """Calls that wait at the same time; what they are told."""
    run = workshop.run("a-task")
    asked = [
        Wanted(task="a-task", run=run.number, ticket=ticket, tier=tier, input_tokens=1_000, cap=500)
        for ticket, tier in enumerate(tiers_asked)
    ]
    workshop.turn(*[CallAsked(wanted=wanted) for wanted in asked])
    answers = [deed.answer for deed in workshop.deeds if isinstance(deed, AnswerCall)]
    assert [answer.ticket for answer in answers] == list(range(len(asked)))
    return answers


def test_a_call_at_fault_stands_in_the_way_of_no_other() -> None:
    workshop = a_workshop()
    at_work(workshop)
    first, wrong, last = several(workshop, "high", "no such tier", "high")
    assert isinstance(first, Granted)
    assert isinstance(wrong, Denied)
    assert isinstance(last, Granted)
    assert money(workshop) == (0, 2 * 6_000_000)
    assert workshop.run().calls == 2
    faults = [deed for deed in workshop.deeds if isinstance(deed, Say) and deed.event == "task.fault"]
    assert len(faults) == 1


def test_calls_that_wait_together_find_what_those_before_them_hold() -> None:
    workshop = a_workshop(task=Limits(usd=2 * CENT))
    at_work(workshop)
    answers = several(workshop, *["high"] * 5)
    assert [isinstance(answer, Granted) for answer in answers] == [True, True, True, False, False]
    assert money(workshop)[1] <= 2 * CENT
    used = Usage(input_tokens=900, output_tokens=100)
    run = workshop.run()
    ended = [
        CallEnded(result=a_result("a-task", run.number, answer.call, usage=used))
        for answer in answers
        if isinstance(answer, Granted)
    ]
    workshop.turn(*ended, *ended)
    assert money(workshop) == (3 * (900 * 1_000 + 100 * 10_000), 0)


def test_an_end_that_cannot_be_settled_as_it_is_told_is_settled_at_its_hold_and_no_other_with_it() -> None:
    workshop = a_workshop()
    at_work(workshop)
    (one, other) = several(workshop, "high", "high")
    assert isinstance(one, Granted)
    assert isinstance(other, Granted)
    run = workshop.run()
    wrong = Usage(input_tokens="many", output_tokens=1)  # type: ignore[arg-type]
    ended = [
        CallEnded(result=a_result("a-task", run.number, one.call, usage=wrong)),
        CallEnded(result=a_result("a-task", run.number, other.call, usage=Usage(input_tokens=900, output_tokens=100))),
    ]
    workshop.turn(*ended)
    assert money(workshop) == (6_000_000 + 900 * 1_000 + 100 * 10_000, 0)
