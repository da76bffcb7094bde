"""Whatever providers do: no call passes an open circuit, one at a time a half open one, and in the end all is done."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from koubou.model.call import Bill, ErrorClass
from koubou.model.circuit import Circuit, CircuitState
from koubou.model.heard import RunFinished, RunSent, RunStarted, WorkerGone
from koubou.model.instant import MINUTE, SECOND
from koubou.model.run import Run
from koubou.model.task import Sensitivity
from koubou.rules.breaker import circuits_of
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_tier, an_error, tiers
from tests.turns import Workshop

BAD = (ErrorClass.SERVER, ErrorClass.UNREACHABLE, ErrorClass.TIMEOUT, ErrorClass.MODEL, ErrorClass.AUTH)
NAMES = ("high", "medium", "local")
COMES_TO_REST = 400


class Weather(RuleBasedStateMachine):
    """Two tiers are of one model at one provider, a third is local; tasks may be secret, and ask for a tier."""

    def __init__(self) -> None:
        super().__init__()
        shared = {"model": "of-both", "retries": 50}
        local = a_tier("local", retries=50)
        fit = tiers(a_tier("high", **shared), a_tier("medium", **shared), local)
        benches = [a_bench(name, room=4) for name in NAMES]
        self.shop = Workshop(tiers=fit, benches=benches, budget=a_budget(monthly=None))
        self.tasks: list[str] = []

    @rule(
        tier=some.sampled_from([None, *NAMES]),
        priority=some.sampled_from([1, 5, 9]),
        secret=some.booleans(),
        many=some.integers(1, 4),
    )
    def drop(self, tier: str | None, priority: int, secret: bool, many: int) -> None:
        asked = {"tier": tier, "priority": priority}
        if secret:
            asked["sensitivity"] = Sensitivity.CONFIDENTIAL
        names = [f"t{len(self.tasks) + number}" for number in range(many)]
        self.tasks += names
        self.take(lambda: self.shop.drop(*[a_new_task(name, **asked) for name in names]))

    @precondition(lambda self: self.open_runs())
    @rule(which=some.integers(0, 99), kind=some.sampled_from(BAD), after=some.sampled_from([0, 500, 5 * SECOND]))
    def fail(self, which: int, kind: ErrorClass, after: int) -> None:
        self.end(which, after, error=an_error(kind), bill=Bill.NONE, usage=None, finish_reason=None)

    @precondition(lambda self: self.open_runs())
    @rule(times=some.integers(2, 6), kind=some.sampled_from(BAD[:3]))
    def fail_again_and_again(self, times: int, kind: ErrorClass) -> None:
        for _ in range(times):
            self.later(SECOND)
            if self.open_runs():
                self.end(0, 0, error=an_error(kind), bill=Bill.NONE, usage=None, finish_reason=None)

    @precondition(lambda self: self.open_runs())
    @rule(which=some.integers(0, 99), wait=some.sampled_from([500, 30 * SECOND, 5 * MINUTE]))
    def ask_for_silence(self, which: int, wait: int) -> None:
        error = an_error(ErrorClass.RATE, retry_after=wait)
        self.end(which, 100, error=error, bill=Bill.NONE, usage=None, finish_reason=None)

    @precondition(lambda self: self.open_runs())
    @rule(which=some.integers(0, 99), after=some.sampled_from([0, 1, SECOND]))
    def answer(self, which: int, after: int) -> None:
        self.end(which, after)

    @rule(which=some.sampled_from(NAMES))
    def lose_a_worker(self, which: str) -> None:
        gone = WorkerGone(worker=f"worker-of-{which}", reason="gone", on_purpose=True, results={})
        self.take(lambda: self.shop.turn(gone))

    @rule(by=some.sampled_from([1, 500, 10 * SECOND, MINUTE, 20 * MINUTE]))
    def wait(self, by: int) -> None:
        self.later(by)

    @rule(which=some.sampled_from(NAMES), well=some.booleans(), key=some.booleans())
    def change_health(self, which: str, well: bool, key: bool) -> None:
        name = circuits_of(self.shop.tiers[which])[key]
        (self.shop.sick.discard if well else self.shop.sick.add)(name)

    @invariant()
    def one_call_at_a_time_where_a_model_comes_back(self) -> None:
        for circuit in self.circuits().values():
            if circuit.state is CircuitState.HALF_OPEN:
                since = [run for run in self.behind(circuit) if run.admitted_at >= circuit.changed_at]
                assert len(since) <= 1, (circuit, since)

    def teardown(self) -> None:
        """All are well again: whatever waits comes to its end."""
        self.shop.sick.clear()
        for _ in range(COMES_TO_REST):
            while self.open_runs():
                self.end(0, 100)
            if all(self.shop.task(name).outcome for name in self.tasks):
                break
            self.later(10 * SECOND)
        waiting = [self.shop.task(name) for name in self.tasks if not self.shop.task(name).outcome]
        assert not waiting, [(task.id, task.status, task.waiting, task.park) for task in waiting]
        assert not self.tasks or self.shop.month().held == 0

    def take(self, act: Callable[[], object]) -> None:
        """Act, and see that nothing was sent where nothing may be."""
        before = self.circuits()
        act()
        for name in self.shop.sent():
            run = self.shop.run(name)
            for circuit in self.through(run):
                assert circuit.state is not CircuitState.OPEN, (name, circuit, before.get(circuit.name))
                assert (circuit.quiet_until or 0) <= self.shop.now, (name, circuit)
        self.one_call_at_a_time_where_a_model_comes_back()
        for name in self.shop.sent():
            run = self.shop.run(name)
            self.shop.turn(RunSent(task=run.task, run=run.number), RunStarted(task=name, run=run.number))
            assert not self.shop.sent()

    def end(self, which: int, after: int, **how: object) -> None:
        self.shop.now += after
        name, run = self.open_runs()[which % len(self.open_runs())]
        told = {"started_at": run.admitted_at, "finished_at": self.shop.now, **how}
        result = a_result(name, run.number, run.call, **told)
        self.take(lambda: self.shop.turn(RunFinished(result=result)))

    def later(self, by: int) -> None:
        self.shop.now += by
        self.take(self.shop.turn)

    def open_runs(self) -> list[tuple[str, Run]]:
        return list(self.shop.board.runs.open())

    def circuits(self) -> dict[str, Circuit]:
        return self.shop.board.circuits.all()

    def through(self, run: Run) -> list[Circuit]:
        known = self.circuits()
        return [known[name] for name in circuits_of(self.shop.tiers[run.tier]) if name in known]

    def behind(self, circuit: Circuit) -> list[Run]:
        return [run for _, run in self.open_runs() if circuit.name in circuits_of(self.shop.tiers[run.tier])]


TestWeather = Weather.TestCase
TestWeather.settings = settings(stateful_step_count=40)
