"""Whatever agents ask, and however their calls and runs end: no limit is passed, and at rest nothing is held."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from koubou.model.agent import Manner
from koubou.model.budget import Limits
from koubou.model.call import Bill, CallError, ErrorClass, Usage
from koubou.model.deed import AnswerCall
from koubou.model.gate import Granted, Wanted
from koubou.model.heard import CallAsked, CallEnded, RunFinished, WorkerGone
from koubou.model.money import USD
from koubou.model.run import Run
from tests.builders import a_budget, a_new_task, a_price, a_result, a_tier, an_error, tiers
from tests.turns import Workshop

CENT = USD // 100
LIMIT = 20 * CENT
RATE_IN, RATE_OUT = 1_000, 10_000
"""Nano-dollars a token of the price that `a_price` has."""


class Agents(RuleBasedStateMachine):
    """The provider's side is kept here: what it billed, call by call."""

    def __init__(self) -> None:
        super().__init__()
        agent = a_tier("high", executor="command:it", agent=Manner(program="/opt/it"), fallback=None, price=a_price())
        budget = a_budget(monthly=LIMIT, task=Limits(usd=6 * CENT), overdraft_usd=CENT)
        self.workshop = Workshop(tiers=tiers(agent, a_tier("medium"), a_tier("local")), budget=budget)
        self.workshop.turn()
        self.billed = 0
        self.tickets = 0
        self.names = 0
        self.calls: dict[str, tuple[Run, str, Wanted, int]] = {}

    def runs(self) -> list[tuple[str, Run]]:
        """What is under way."""
        return self.workshop.board.runs.open()

    @rule(times=st.integers(1, 3))
    def tasks_come(self, times: int) -> None:
        for _ in range(times):
            self.names += 1
            self.workshop.drop(a_new_task(f"t{self.names}", prompt="hi", tier="high"))
            if self.workshop.task(f"t{self.names}").run:
                self.workshop.start(f"t{self.names}")

    @rule(data=st.data(), tokens=st.integers(1, 20_000), cap=st.none() | st.integers(1, 3_000))
    def an_agent_asks(self, data: st.DataObject, tokens: int, cap: int | None) -> None:
        if not (runs := self.runs()):
            return
        task_id, run = data.draw(st.sampled_from(runs))
        self.tickets += 1
        wanted = Wanted(task=task_id, run=run.number, ticket=self.tickets, tier="high", input_tokens=tokens, cap=cap)
        self.workshop.turn(CallAsked(wanted=wanted))
        for deed in self.workshop.deeds:
            if isinstance(deed, AnswerCall) and isinstance(deed.answer, Granted):
                self.calls[deed.answer.call] = (run, task_id, wanted, deed.answer.cap)

    def bill(self, wanted: Wanted, cap: int, share: float) -> Usage:
        """The provider makes tokens, and bills them, whoever hears of it."""
        usage = Usage(input_tokens=max(1, int(wanted.input_tokens * share)), output_tokens=int(cap * share))
        self.billed += usage.input_tokens * RATE_IN + usage.output_tokens * RATE_OUT
        return usage

    @rule(data=st.data(), share=st.floats(0, 1), how=st.sampled_from(["told", "cut", "none"]), twice=st.booleans())
    def a_call_ends(self, data: st.DataObject, share: float, how: str, twice: bool) -> None:
        if not self.calls:
            return
        call = data.draw(st.sampled_from(sorted(self.calls)))
        run, task_id, wanted, cap = self.calls.pop(call)
        changes: dict[str, Any] = {"usage": self.bill(wanted, cap, share)} if how != "none" else {"usage": None}
        if how == "cut":
            changes = {"usage": None, "bill": Bill.UNKNOWN, "error": an_error(ErrorClass.CUT)}
        elif how == "none":
            changes |= {"bill": Bill.NONE, "error": an_error(ErrorClass.RATE)}
        told = CallEnded(result=a_result(task_id, run.number, call, **changes))
        self.workshop.turn(*([told, told] if twice else [told]))

    @rule(data=st.data(), share=st.floats(0, 1), broke=st.booleans())
    def a_run_ends(self, data: st.DataObject, share: float, broke: bool) -> None:
        if not (runs := self.runs()):
            return
        task_id, run = data.draw(st.sampled_from(runs))
        self.forget(lambda other, whose: (whose, other.number) == (task_id, run.number), share)
        error = CallError(kind=ErrorClass.BUDGET, message="no money") if broke else None
        result = a_result(task_id, run.number, run.call, bill=Bill.NONE, usage=None, error=error)
        self.workshop.turn(RunFinished(result=result))

    @rule(share=st.floats(0, 1))
    def the_worker_is_killed(self, share: float) -> None:
        self.forget(lambda _run, _task: True, share)
        self.workshop.turn(WorkerGone(worker="worker-of-high", reason="killed", on_purpose=False, results={}))

    def forget(self, whose: Any, share: float) -> None:
        """Calls of which nobody will tell how they ended; the provider has billed something of each."""
        for call, (run, task_id, wanted, cap) in list(self.calls.items()):
            if whose(run, task_id):
                self.bill(wanted, cap, share)
                del self.calls[call]

    @invariant()
    def no_limit_is_passed(self) -> None:
        account = self.workshop.month()
        assert self.billed <= account.settled + account.held
        assert account.settled + account.held <= LIMIT

    @invariant()
    def what_is_held_is_held_for_a_call_that_is_under_way(self) -> None:
        assert (self.workshop.month().held > 0) == bool(self.calls)

    def teardown(self) -> None:
        """Everything ends: nothing is held, in no dimension, and every place is free."""
        self.the_worker_is_killed(1.0)
        board = self.workshop.board
        rows = board.connection.execute("SELECT name, dimension, held FROM account WHERE held <> 0").fetchall()
        open_runs = {run.number for _, run in board.runs.open()}
        assert not open_runs or all(row["dimension"] == "time" for row in rows)
        assert board.connection.execute("SELECT count(*) FROM agent_call").fetchone()[0] == 0


TestAgents = Agents.TestCase
TestAgents.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
