"""A workshop without a world: a real board in memory, and turns that tests take one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from koubou.board import Board, open_in_memory
from koubou.model.access import EVERYBODY_SUBMITS, Access, Caller, Role
from koubou.model.account import Account
from koubou.model.budget import Budget
from koubou.model.call import CallResult
from koubou.model.circuit import Health
from koubou.model.deed import Deed, FileAway, SendRun
from koubou.model.heard import Asked, Checked, Filed, Heard, RunFinished, RunSent, RunStarted
from koubou.model.instant import Instant
from koubou.model.notice import Audience
from koubou.model.notification import Notify
from koubou.model.policy import OPEN, Policy
from koubou.model.routing import Routing
from koubou.model.run import Run
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.model.worker import Bench
from koubou.rules.breaker import is_due
from koubou.rules.limits import LimitsInForce
from koubou.steps import ONWARD, STEPS, Shop, is_anybody_waiting
from tests.builders import NOW, ROUTING, a_bench, a_budget, a_result, an_arrival, tiers


@dataclass
class Workshop:
    """Takes turns; what they leave to be done stands in `deeds`."""

    tiers: dict[str, Tier] = field(default_factory=tiers)
    budget: Budget = field(default_factory=a_budget)
    benches: Sequence[Bench] = field(default_factory=lambda: [a_bench("high"), a_bench("medium"), a_bench("local")])
    now: Instant = NOW
    audience: Audience = field(default_factory=Audience)
    policy: Policy = OPEN
    access: Access = EVERYBODY_SUBMITS
    notify: Notify = field(default_factory=Notify)
    board: Board = field(default_factory=lambda: Board(open_in_memory()))
    deeds: list[Deed] = field(default_factory=list)
    routing: Routing = ROUTING
    sick: set[str] = field(default_factory=set)
    """Circuits whose servers say that they are not well when they are asked."""
    moved: int = 0
    """How much the last turn looked at."""
    _ids: Any = field(default_factory=lambda: count(1))

    def turn(self, *heard: Heard) -> dict[int, Any]:
        """One turn; returns the replies. Servers that are asked how they are say that they are well, or sick."""
        due = [circuit.name for circuit in self.board.circuits.all().values() if is_due(circuit, self.now)]
        health = {name: Health(well=name not in self.sick, reason="it says so") for name in due}
        heard = (*heard, *(Checked(circuit=name, health=health[name]) for name in due))
        shop = Shop(
            board=self.board,
            tiers=self.tiers,
            routing=self.routing,
            budget=self.budget,
            benches=self.benches,
            heard=heard,
            new_id=lambda: f"call-{next(self._ids)}",
            chance=lambda: 0.5,
            audience=self.audience,
            policy=self.policy,
            access=self.access,
            notify=self.notify,
        )
        with self.board.transaction():
            for limit in (self.limits.month(self.now), *self.limits.day(self.now)):
                self.board.ledger.open_account(limit, self.now)
            self.moved = sum(step(shop, self.now) for step in STEPS)
            self._see_that_nobody_is_forgotten(shop)
        self.deeds = shop.deeds
        return shop.replies

    def _see_that_nobody_is_forgotten(self, shop: Shop) -> None:
        """Where nobody is said to wait, the steps that are left out would have done nothing."""
        if not is_anybody_waiting(shop, self.now):
            changes, wake_at = self.board.connection.total_changes, shop.wake_at
            assert sum(step(shop, self.now) for step in ONWARD) == 0
            assert (self.board.connection.total_changes, shop.wake_at) == (changes, wake_at)

    def reload(self, budget: Budget) -> None:
        """Other settings of money, written as the master does (`master.in_step`), and a turn."""
        self.budget = budget
        with self.board.transaction():
            self.board.tasks.wake_all_breached(self.now)
        self.turn()

    def drop(self, *new: Any) -> None:
        """Drop a file of these documents and take a turn."""
        self.turn(an_arrival(*new))

    def task(self, task_id: str = "a-task") -> Task:
        """A task as the board has it."""
        found = self.board.tasks.get(task_id)
        assert found is not None, task_id
        return found

    def run(self, task_id: str = "a-task") -> Run:
        """A task's current run."""
        task = self.task(task_id)
        found = self.board.runs.get(task.seq, task.run)
        assert found is not None
        return found

    def start(self, task_id: str = "a-task") -> Run:
        """Its worker was told and has begun."""
        run = self.run(task_id)
        self.turn(RunSent(task=run.task, run=run.number), RunStarted(task=task_id, run=run.number))
        return run

    def finish(self, task_id: str = "a-task", **result: Any) -> CallResult:
        """Its worker says how the call ended."""
        run = self.run(task_id)
        told = a_result(task_id, run.number, run.call, **result)
        self.turn(RunFinished(result=told))
        return told

    def file(self) -> None:
        """Everything that the last turn wants shelved is shelved."""
        self.turn(*[Filed(task=deed.task) for deed in self.deeds if isinstance(deed, FileAway)])

    def ask(self, verb: str, *, operator: bool = True, uid: int = 0, **arguments: Any) -> Any:
        """Ask through the control socket."""
        role = Role.GUARDIAN if operator else Role.SUBMITTER
        caller = Caller(actor="tester", role=role, uid=uid, source="socket", house=operator)
        return self.ask_as(caller, verb, **arguments)

    def ask_as(self, caller: Caller, verb: str, **arguments: Any) -> Any:
        """Ask through the control socket as somebody."""
        return self.turn(Asked(verb=verb, caller=caller, arguments=arguments, ticket=1))[1]

    def sent(self) -> list[str]:
        """The tasks that the last turn gave to workers."""
        return [deed.task_id for deed in self.deeds if isinstance(deed, SendRun)]

    def month(self) -> Account:
        """The month's account."""
        found = self.board.ledger.account(self.limits.month(self.now).name)
        assert found is not None
        return found

    @property
    def limits(self) -> LimitsInForce:
        """The limits as they are now."""
        return LimitsInForce(budget=self.budget, set=self.board.ledger.set_limits(), is_open=self.board.ledger.is_open)

    def events(self, task_id: str = "a-task") -> list[str]:
        """What the history tells of a task."""
        return [event for _, event, _, _ in self.board.history.of_task(self.task(task_id).seq)]
