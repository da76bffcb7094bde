"""Whatever comes in whatever order, no money is promised beyond a ceiling, and none is lost in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from koubou.model.budget import Budget, Limits
from koubou.model.call import Bill, CallError, CallResult, ErrorClass, Usage
from koubou.model.heard import Filed, RunFinished, RunSent, RunStarted, RunUnsendable, WorkerGone
from koubou.model.instant import DAY, MINUTE, SECOND
from koubou.model.money import FREE, USD, Price, Rates
from koubou.model.run import Run
from koubou.model.task import TaskBudget
from koubou.model.worker import Bench
from koubou.rules.bound import input_bound
from tests.audit import Audited
from tests.builders import (
    a_bench,
    a_budget,
    a_new_task,
    a_price,
    a_result,
    a_secret,
    a_tier,
    an_arrival,
    an_error,
    tiers,
)
from tests.second_opinion import charge, month_of, most, row_of

ANY = some.integers(0, 999)
SHARE = some.integers(0, 100) | some.just(100)
LIMITS = some.sampled_from([60_000_000, None, 25_000_000, USD, 0]) | some.integers(0, 150_000_000)
"""A call of a medium task holds some twenty million: with most of these limits not everybody gets one."""
AWKWARD = Price(
    base=Rates(
        input=1_250_000_001,
        output=9_999_999_999,
        cached_input=2_000_000_000,
        cache_write=3_000_000_000,
        cache_write_1h=4_000_000_003,
    ),
    steps=(
        (150, Rates(input=3 * USD, output=20 * USD, cached_input=USD, cache_write=6 * USD, cache_write_1h=9 * USD)),
    ),
)
"""Cached tokens dearer than plain ones, an hour in a cache dearer still, odd rates, a step that many requests pass."""
PRICES = (AWKWARD, a_price(), a_price(7, 3))
COUNTS: Mapping[str, tuple[int | None, ...]] = {
    "usd": (None, 0, 5_000_000, 25_000_000, 60_000_000, 150_000_000, USD),
    "tokens": (None, 500, 2_500, 6_000),
    "calls": (None, 1, 2, 4),
    "time": (None, 5 * SECOND, 70 * SECOND, 150 * SECOND),
}
"""Limits with which most can begin and few can go on for ever."""
SCOPES: Mapping[str, tuple[str, ...]] = {
    "month": ("usd",),
    "day": ("usd",),
    "weekend": ("usd",),
    "task": ("usd", "tokens", "calls", "time"),
    "task:t1": ("usd", "tokens", "calls", "time"),
    "task:t5": ("usd", "tokens"),
    "session": ("tokens",),
    "session:s-1000": ("usd", "tokens"),
    "tier:medium": ("usd", "tokens", "calls"),
    "tier:local": ("tokens", "calls"),
    "model:model-of-high": ("usd", "tokens"),
    "submitter:1000": ("usd", "calls"),
}


def a_budget_of(pick: Callable[[Sequence[Any]], Any], monthly: int | None, each: int | None) -> Budget:
    """Limits of everything, most of them none; `pick` takes one of several."""

    def limits(*dimensions: str, rarely: int = 3, **given: Any) -> Limits:
        chosen = {each: pick(COUNTS[each]) if pick(range(rarely)) == 0 else None for each in dimensions}
        return Limits(**chosen | given)

    often = (None, None, None)
    return a_budget(
        monthly=monthly,
        daily=pick((*often, *COUNTS["usd"])),
        weekend=pick((*often, *COUNTS["usd"])),
        task=limits("tokens", "calls", "time", usd=each),
        types={"bug_fix": limits("usd", "tokens", "time")} if pick((True, False)) else {},
        session=limits("usd", "tokens"),
        tiers={"medium": limits("usd", "tokens", "calls"), "local": limits("calls", rarely=5)},
        models={"model-of-high": limits("usd", "tokens", rarely=2)},
        submitters={1000: limits("usd", "tokens", "calls")} if pick((True, False)) else {},
        submitter=limits("calls", rarely=6),
        reject_at=pick((1.0, 1.0, 0.7)),
        ceiling_at=pick((1.0, 1.5)),
        emergency_at=pick((1.5, 5.0)),
    )


@some.composite
def budgets(draw: Any) -> Budget:
    """Any of them."""
    return a_budget_of(lambda these: draw(some.sampled_from(these)), draw(LIMITS), draw(LIMITS))


class NeverOver(RuleBasedStateMachine):
    """A workshop to which everything happens. `bills` is what the provider charges for each call in truth, `besides`
    what it charges for calls that nobody made, by model and hour."""

    @initialize(budget=budgets(), room=some.integers(1, 4))
    def open(self, budget: Budget, room: int) -> None:
        fit = tiers(a_tier("high", price=AWKWARD, min_output_tokens=50), a_tier("medium", retries=1), a_tier("local"))
        # Two serve one tier, with different room: together they are full only when each of them is.
        second = Bench(worker="second-of-medium", tier="medium", room=1)
        benches = [*(a_bench(name, room=room) for name in fit), second]
        self.shop = Audited(tiers=fit, budget=budget, benches=benches)
        self.auditor = self.shop.auditor
        self.tiers, self.benches, self.count = fit, benches, 0
        self.bills: dict[str, int] = {}
        self.besides: Counter[tuple[str, int]] = Counter()
        self.reset = False
        """Whether a new period has begun: from then on the ledger may stand above what is known."""
        # There is always something at work: most of what can happen, happens to that.
        for tier in ("medium", "high", None):
            self.drop(2, "", False, None, 0, prompt="first", cap=None, tier=tier, priority=5)

    # What comes from outside

    @rule(
        many=some.integers(1, 4),
        prompt=some.text(max_size=30).filter(str.strip),
        cap=some.none() | some.integers(1, 3_000),
        tier=some.sampled_from([None, "high", "medium", "local"]),
        priority=some.integers(1, 10),
        own=some.none() | some.integers(1, 60_000_000),
        secret=some.booleans(),
        wish=some.sampled_from(["", "", "hold", "lock", "needs", "later", "soon", "session", "tokens", "bug"]),
        pick=ANY,
    )
    def drop(self, many: int, wish: str, secret: bool, own: int | None, pick: int, **asked: Any) -> None:
        asked["max_output_tokens"] = asked.pop("cap")
        owner = asked["owner"] = 1000 + pick % 2
        known = self._ids(f"owner = {owner}")
        budget = TaskBudget(cost=own)
        match wish:
            case "hold":
                asked["on_interrupt"] = "hold"
            case "lock":
                asked["locks"] = ("tree",)
            case "needs" if known:
                asked["depends_on"] = (known[pick % len(known)],)
            case "later":
                asked["not_before"] = self.shop.now + MINUTE
            case "soon":
                asked["expires_at"] = self.shop.now + MINUTE
            case "session":
                asked["session"] = f"s-{owner}"
            case "tokens":
                budget = TaskBudget(cost=own, tokens=(300, 2_500)[pick % 2], calls=1 + pick % 3)
            case "bug":
                asked["type"] = "bug_fix"
        findings = (a_secret(),) if secret else ()
        new = []
        for _ in range(many):
            self.count += 1
            name = f"t{self.count}"
            new.append(a_new_task(name, findings=findings, budget=budget, retries=1, **asked))
            if secret:
                self.auditor.secret.add(name)
        self.shop.turn(an_arrival(*new))

    @rule(seconds=some.sampled_from([0, 1, 60, 700, DAY // SECOND, None]))
    def wait(self, seconds: int | None) -> None:
        """So long, or until the next month."""
        before = month_of(self.shop.now, self.shop.budget)
        self.shop.now += DAY if seconds is None else seconds * SECOND
        while seconds is None and month_of(self.shop.now, self.shop.budget) == before:
            self.shop.now += DAY
        self.shop.turn()

    @rule(budget=budgets())
    def another_budget(self, budget: Budget) -> None:
        """The settings are reloaded."""
        self.shop.reload(budget)

    @rule(scope=some.sampled_from(sorted(SCOPES)), kind=ANY, pick=ANY, back=some.booleans())
    def a_person_sets(self, scope: str, kind: int, pick: int, back: bool) -> None:
        """Another limit in place of the settings', or theirs again."""
        dimension = SCOPES[scope][kind % len(SCOPES[scope])]
        amount = COUNTS[dimension][pick % len(COUNTS[dimension])]
        amount = "default" if back and (scope, dimension) in self.auditor.person else amount
        answer = self.shop.ask("budget_set", scope=scope, dimension=dimension, amount=amount, reason="so be it")
        assert "ok" in answer

    @rule(account=some.sampled_from(["month", "day", "task:t2", "session:s-1001", "tier:medium"]), pick=ANY)
    def a_person_adds(self, account: str, pick: int) -> None:
        """More for one account, in one of its dimensions."""
        dimension = SCOPES[account.partition(":")[0] if account[:4] in ("task", "sess") else account][-1]
        self.shop.ask("budget_add", account=account, dimension=dimension, amount=1 + pick * 20_000)

    @rule(scope=some.sampled_from(["month", "day", "task:t1", "session:s-1000", "tier:medium", "submitter:1000"]))
    def a_new_period(self, scope: str) -> None:
        """What was settled of an account no longer counts."""
        if "ok" in self.shop.ask("budget_reset", scope=scope, reason="the books are closed"):
            self.reset = self.reset or scope == "month"

    @precondition(lambda self: self.auditor.ended)
    @rule(parts=some.integers(1, 3), besides=some.sampled_from([0, 0, 0, 1, 30_000_000]))
    def a_bill_comes(self, parts: int, besides: int) -> None:
        """The provider's, whole or in part; it may charge for what nobody knows of."""
        truth: Counter[tuple[str, int]] = Counter()
        for call, hold in self.auditor.ended.items():
            truth[hold.model, hold.hour] += self.bills.get(call, 0)
        truth.update(self.besides)
        told = dict(sorted(truth.items())[::parts])
        if besides:
            dearest = max(told)
            told[dearest] += besides
            self.besides[dearest] += besides
        expected = {model: self._expected(model, told) for model in {model for model, _ in told}}
        known, moving = self.auditor.by_hour.copy(), {key for key in told if self.auditor.is_moving(*key)}
        rows = [row_of(model, hour, amount) for (model, hour), amount in told.items()]
        answer = self.shop.ask("reconcile", rows=rows, source="an export")["ok"]
        added = Counter[str]()
        for key, amount in self.auditor.by_hour.items():
            moved = amount - known[key]
            added[key[0]] += moved
            assert moved == 0 or key in told, "an hour that the bill is not of is left alone"
            assert moved <= max(0, told.get(key, 0) - known[key])
            assert moved >= 0 or key not in moving, "what is feared comes back when nothing is under way"
        assert {model: added[model] for model in expected} == expected
        assert answer["alarm"] == any(amount > 0 for amount in expected.values())
        assert not answer["alarm"] or "emergency" in self.shop.board.crew.latches()

    def _expected(self, model: str, told: Mapping[tuple[str, int], int]) -> int:
        """What a bill adds to a model in all: what is above all that is known, or what of the unknown it leaves out."""
        books, bill = self.auditor, {hour: amount for (name, hour), amount in told.items() if name == model}
        unknown = Counter[int]()
        for call, amount in books.unknown.items():
            if books.ended[call].model == model:
                unknown[books.ended[call].hour] += amount
        known = {hour: books.by_hour[model, hour] for hour in bill}
        around = books.held_in(model, set(bill)) + books.late_in(model, set(bill))
        above = sum(bill.values()) - sum(known.values()) - around
        if above > 0:
            return above
        still = [hour for hour in bill if not books.is_moving(model, hour)]
        left_out = sum(known[hour] - bill[hour] for hour in still)
        feared = sum(max(0, min(known[hour] - bill[hour], unknown[hour])) for hour in still)
        return -max(0, min(-above, left_out, feared))

    @rule(
        rooms=some.lists(some.integers(0, 4), min_size=4, max_size=4),
        halted=some.sampled_from([None, None, "high", "local"]),
    )
    def another_crew(self, rooms: list[int], halted: str | None) -> None:
        """Workers come and go; a tier is halted, or offered again, as after a reload."""
        self.shop.benches = [replace(bench, room=room) for bench, room in zip(self.benches, rooms, strict=True)]
        self.shop.tiers = {
            name: replace(tier, unfit="it is halted") if name == halted else tier for name, tier in self.tiers.items()
        }
        with self.shop.board.transaction():
            offered = [name for name, tier in self.shop.tiers.items() if tier.unfit is None]
            self.shop.board.tasks.reroute_unknown(offered, self.shop.now)
        self.shop.turn()

    @rule(name=some.sampled_from(["high", "medium"]), price=some.sampled_from(PRICES))
    def another_price(self, name: str, price: Price) -> None:
        """What is under way stays at the price at which it was held."""
        self.tiers = {**self.tiers, name: replace(self.tiers[name], price=price)}
        self.shop.tiers = self.tiers
        self.shop.turn()

    @rule(
        verb=some.sampled_from(["cancel", "retry", "finish", "release"]), picks=some.lists(ANY, min_size=1, max_size=3)
    )
    def ask(self, verb: str, picks: list[int]) -> None:
        secrets = "sensitivity = 'confidential' AND outcome IS NULL AND waiting IN ('route', 'admit')"
        known = self._ids(secrets if verb == "release" else "1") or ["nobody"]
        names = [known[pick % len(known)] for pick in picks]
        if verb == "release":
            self.auditor.secret.discard(names[0])
            self.shop.ask("release", id=names[0], to="public", reason="a false alarm")
        else:
            self.shop.ask(verb, ids=names)

    @rule(stop=some.booleans())
    def emergency(self, stop: bool) -> None:
        self.shop.ask("latch", reason="drill") if stop else self.shop.ask("resume_budget", reason="over")

    # What comes from the crew and the hands

    @precondition(lambda self: self.auditor.holds)
    @rule(pick=ANY)
    def start(self, pick: int) -> None:
        task, run = self._at_work(pick)
        self.shop.turn(RunSent(task=run.task, run=run.number), RunStarted(task=task, run=run.number))

    @precondition(lambda self: self.auditor.holds)
    @rule(
        picks=some.lists(ANY, min_size=1, max_size=3),
        bill=some.sampled_from([Bill.REPORTED, Bill.REPORTED, Bill.UNKNOWN, Bill.NONE]),
        kind=some.none() | some.sampled_from(ErrorClass),
        shares=some.tuples(SHARE, SHARE, SHARE),
    )
    def finish(self, picks: list[int], bill: Bill, kind: ErrorClass | None, shares: tuple[int, int, int]) -> None:
        self.shop.turn(*[RunFinished(result=self._result(*self._at_work(pick), bill, kind, shares)) for pick in picks])

    @precondition(lambda self: self.auditor.holds)
    @rule(picks=some.lists(ANY, min_size=1, max_size=4))
    def answer(self, picks: list[int]) -> None:
        """What happens to most: an answer, which may cost all that was held."""
        self.finish(picks, Bill.REPORTED, None, (100, 50, 100))

    @precondition(lambda self: self.auditor.holds)
    @rule(pick=ANY, times=some.integers(1, 100))
    def a_bill_above_its_hold(self, pick: int, times: int) -> None:
        task, run = self._at_work(pick)
        usage = Usage(
            input_tokens=input_bound(self.shop.task(task).input_bytes, 1) + times, output_tokens=run.cap * times
        )
        result = a_result(task, run.number, run.call, usage=usage)
        self.bills[run.call] = self._cost(run, result)
        held = self.auditor.holds[run.call].amounts["usd"]
        self.shop.turn(RunFinished(result=result))
        frozen = f"model:model-of-{run.tier}" in self.shop.board.crew.latches()
        assert frozen or self.bills[run.call] <= held
        # Whoever comes now for the frozen model is not let through: the auditor looks.
        self.drop(1, "", False, None, 0, prompt="next", cap=None, tier=run.tier, priority=10)

    @precondition(lambda self: self.auditor.holds)
    @rule(
        pick=ANY,
        on_purpose=some.booleans(),
        sent=some.booleans(),
        records=SHARE,
        shares=some.tuples(SHARE, SHARE, SHARE),
    )
    def a_worker_is_gone(
        self, pick: int, on_purpose: bool, sent: bool, records: int, shares: tuple[int, int, int]
    ) -> None:
        _, one = self._at_work(pick)
        under_way = self.shop.board.runs.open_of_worker(one.worker)
        if sent:
            self.shop.turn(*[RunSent(task=run.task, run=run.number) for _, run in under_way])
        left: dict[tuple[str, int], CallResult] = {}
        for number, (task, run) in enumerate(under_way):
            run_now = self.shop.board.runs.get(run.task, run.number)
            if run_now is None or run_now.sent_at is None:
                continue
            result = self._result(task, run, Bill.REPORTED, None, shares)
            if number * 100 < records * len(under_way):
                left[task, run.number] = result
        gone = WorkerGone(worker=one.worker, reason="killed", on_purpose=on_purpose, results=left)
        self.shop.turn(gone)

    @precondition(lambda self: self.auditor.ended)
    @rule(pick=ANY, bill=some.sampled_from(Bill), kind=some.none() | some.sampled_from(ErrorClass))
    def a_late_word(self, pick: int, bill: Bill, kind: ErrorClass | None) -> None:
        """A result that was told before, or of a run that was given up: it moves nothing."""
        call = sorted(self.auditor.ended)[pick % len(self.auditor.ended)]
        query = "SELECT t.id, r.number FROM run r JOIN task t ON t.seq = r.task WHERE r.call = ?"
        task, number = self.shop.board.connection.execute(query, (call,)).fetchone()
        before = self.auditor.settled.copy()
        result = a_result(task, number, call, bill=bill, error=an_error(kind) if kind else None)
        self.shop.turn(RunFinished(result=result), RunStarted(task=task, run=number))
        assert self.auditor.settled == before

    @precondition(lambda self: self.unsent())
    @rule(pick=ANY, for_good=some.booleans())
    def unsendable(self, pick: int, for_good: bool) -> None:
        task, number = self.unsent()[pick % len(self.unsent())]
        self.shop.turn(RunUnsendable(task=task, run=number, reason="its worker has gone", for_good=for_good))

    @rule(twice=some.booleans())
    def file(self, twice: bool) -> None:
        """What the last turns want shelved is shelved; the word of it may come twice."""
        owed = [Filed(task=seq) for seq, _ in self.shop.board.tasks.owed_filings(9)]
        self.shop.turn(*owed, *(owed if twice else ()))

    # What must be true whatever came

    @invariant()
    def the_ledger_is_never_below_the_bill(self) -> None:
        """On no account, in no period; and it is the bill where every call is known of."""
        in_months = 0
        for key, settled in self.auditor.settled.items():
            known = sum(self.bills.get(call, 0) for call in self.auditor.period.get(key, ()))
            if key.dimension == "usd":
                assert settled >= known, f"{key} is below the provider's bill"
            if key.name.startswith("month:"):
                in_months += settled - known
        if not self.auditor.unknown and not self.reset:
            assert in_months == sum(self._reconciled_besides().values())

    def _reconciled_besides(self) -> Counter[tuple[str, int]]:
        """What the ledger took over of what the provider charges besides."""
        said: Counter[tuple[str, int]] = self.auditor.by_hour.copy()
        for call, hold in self.auditor.ended.items():
            said[hold.model, hold.hour] -= self.bills.get(call, 0)
        return said

    def teardown(self) -> None:
        """Everything comes to its end: nothing stays held, and what is left can be spent to the last nano-dollar."""
        if not hasattr(self, "shop"):
            return
        for scope, dimension in list(self.auditor.person):
            self.shop.ask("budget_set", scope=scope, dimension=dimension, amount="default", reason="the end")
        self.shop.tiers, self.shop.benches = self.tiers, [a_bench(name) for name in self.tiers]
        self.shop.reload(a_budget(monthly=None))
        for _ in range(50):
            under_way = self.shop.board.runs.open()
            results = [self._result(task, run, Bill.REPORTED, None, (50, 50, 50)) for task, run in under_way]
            self.shop.turn(*[RunFinished(result=result) for result in results])
            self.file(twice=False)
            self.shop.now = max(self.shop.now, self.shop.board.tasks.next_wake() or 0)
            # A call that ended just now may have been above the limit of a month that is over.
            self.shop.ask("resume_budget", reason="the end")
            self.shop.turn()
            if not (self.shop.board.runs.open() or self.shop.board.tasks.owed_filings(1)):
                break
        self.auditor.at_rest()
        for tier in self.tiers:
            self.shop.ask("resume", tier=tier)
        self._spend_what_is_left()

    def _spend_what_is_left(self) -> None:
        while self.shop.month().added:
            self.wait(None)
        probe = a_new_task("probe", max_output_tokens=100, tier="medium")
        need = most(self.tiers["medium"].price or FREE, input_bound(probe.input_bytes, probe.message_count), 100)
        settled = self.shop.month().settled
        self.shop.budget = a_budget(monthly=settled + need - 1)
        self.shop.drop(probe)
        assert self.shop.sent() == []
        self.shop.budget = a_budget(monthly=settled + need)
        if settled:
            assert self.shop.task("probe").park is not None
            self.shop.turn()
        else:  # a task that can never fit was refused, so that it has to be dropped again
            self.shop.drop(replace(probe, id="probe-2", claim="another"))
        assert len(self.shop.sent()) == 1
        assert self.shop.month().left == 0

    def _ids(self, condition: str) -> list[str]:
        return [
            row[0] for row in self.shop.board.connection.execute(f"SELECT id FROM task WHERE {condition} ORDER BY seq")
        ]

    def _at_work(self, pick: int) -> tuple[str, Run]:
        under_way = sorted(self.shop.board.runs.open(), key=lambda found: found[1].call)
        return under_way[pick % len(under_way)]

    def unsent(self) -> list[tuple[int, int]]:
        """Runs that no worker was told of."""
        return [(task, number) for task, number, _, _ in self.shop.board.runs.owed()]

    def _result(
        self, task: str, run: Run, bill: Bill, kind: ErrorClass | None, shares: tuple[int, int, int]
    ) -> CallResult:
        """What a worker can tell of this run; the provider charges what it uses, or nothing where it says so."""
        asked = self.shop.task(task)
        read = (input_bound(asked.input_bytes + asked.inputs_bytes, asked.message_count) * shares[0]) // 100
        cached = read * shares[1] // 100
        written = (read - cached) * shares[2] // 100
        usage = Usage(
            input_tokens=read,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            cache_write_1h_tokens=written * shares[1] // 100,
            output_tokens=run.cap * shares[2] // 100,
        )
        error: CallError | None = an_error(kind) if kind else None
        times = {"started_at": self.shop.now, "finished_at": self.shop.now + run.timeout * shares[0] // 70}
        result = a_result(task, run.number, run.call, bill=bill, usage=usage, error=error, **times)
        if run.call in self.auditor.holds:
            self.bills[run.call] = self._cost(run, result) if bill is not Bill.NONE else 0
        return result if bill is Bill.REPORTED else replace(result, usage=None)

    def _cost(self, run: Run, result: CallResult) -> int:
        assert result.usage is not None
        return charge(self.auditor.prices[run.call], result.usage)


TestNeverOver = NeverOver.TestCase
TestNeverOver.settings = settings(max_examples=settings().max_examples // 4, stateful_step_count=25)
