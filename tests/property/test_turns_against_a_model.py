"""The turn against a model of the life of tasks that knows nothing of the product: after every turn both must agree.

The model says where each task stands and who may work where; whom of several workers a task gets is the product's own
choice, and only looked at. Money is no object here: `test_never_over` is about that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from koubou.model.call import Bill, ErrorClass
from koubou.model.heard import Filed, Heard, RunFinished, RunSent, RunStarted, WorkerGone
from koubou.model.run import Run
from koubou.model.worker import Bench
from tests.audit import Audited
from tests.builders import NOW, a_budget, a_new_task, a_result, a_secret, a_tier, an_arrival, an_error, tiers
from tests.turns import Workshop

ANY = some.integers(0, 999)
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
ROOMS = {"cloud": 2, "local": 3}
RETRY_DELAY = SECOND
FAILURES = ("server", "rate", "bad_request", "quota", "timeout")
KINDS = {
    "server": ErrorClass.SERVER,
    "rate": ErrorClass.RATE,
    "bad_request": ErrorClass.BAD_REQUEST,
    "quota": ErrorClass.QUOTA,
    "timeout": ErrorClass.TIMEOUT,
}


@dataclass
class Modelled:
    """A task as the model knows it. `place`: queue, parked, work, ending or ended."""

    name: str
    number: int
    priority: int
    since: int
    asked: str
    secret: bool
    hold: bool
    retries: int
    place: str = "queue"
    park: str | None = None
    until: int | None = None
    tier: str | None = None
    worker: str | None = None
    sent: bool = False
    begun: bool = False
    runs: int = 0
    failures: int = 0
    deaths: int = 0
    suspect: bool = False
    given_up: set[str] = field(default_factory=set)
    cancel_asked: bool = False
    outcome: str | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Half a minute of waiting weighs as much as one step of priority."""
        return (self.since - self.priority * MINUTE // 2, self.number)

    def back(self) -> None:
        """It goes back to where its tier is chosen."""
        self.place, self.park, self.until, self.worker = "queue", None, None, None
        self.sent = self.begun = False

    def wait(self, park: str, until: int | None = None) -> None:
        self.back()
        self.place, self.park, self.until = "parked", park, until

    def end(self, outcome: str) -> None:
        self.place, self.outcome, self.park, self.until, self.worker = "ending", outcome, None, None, None


class Model:
    """What should be the case."""

    def __init__(self) -> None:
        self.tasks: dict[str, Modelled] = {}
        self.workers: dict[str, str] = {}
        self.latches: set[str] = set()
        self.now = NOW

    def at(self, *places: str) -> list[Modelled]:
        return [task for task in self.tasks.values() if task.place in places]

    def of_worker(self, worker: str) -> list[Modelled]:
        return [task for task in self.at("work") if task.worker == worker]

    def fails(self, task: Modelled, how: str) -> None:
        """Its call brought an error."""
        if task.cancel_asked:
            task.end("cancelled")
            return
        assert task.tier is not None
        task.suspect = False
        if how == "quota":
            self.latches.add(f"key:{task.tier}")
            self.choose_anew()
        if how == "rate":
            task.wait("rate", self.now + SECOND)
        elif how == "bad_request":
            task.end("failed")
        elif how != "quota" and task.failures < task.retries:
            task.failures += 1
            task.wait("tier", self.now + RETRY_DELAY * 2 ** (task.failures - 1) // 2)
        else:
            tier = task.tier
            task.given_up.add(tier)
            if any(self.offered(task)):
                task.failures = 0
                task.back()
            elif how == "quota" and task.secret:
                task.given_up.discard(tier)  # nobody else may have it: it waits until its tier is there again
                task.back()
            else:
                task.end("failed")

    def is_lost(self, task: Modelled, *, on_purpose: bool, alone: bool) -> None:
        """Its worker has gone and left nothing of it."""
        if task.cancel_asked:
            task.end("cancelled")
            return
        died = task.sent and not on_purpose
        task.deaths += died and alone
        task.suspect |= died
        if task.hold and task.sent:
            task.wait("interrupted")
        elif task.deaths >= 3:
            task.wait("operator")
        else:
            task.back()

    def choose_anew(self) -> None:
        """The tiers on offer have changed: who found none looks again."""
        for task in self.at("parked"):
            if task.park in ("tier", "secrecy") and task.until is None:
                task.back()

    def offered(self, task: Modelled) -> Iterator[str]:
        """The tiers that may have it, in its order."""
        for tier in ("cloud", "local") if task.asked == "cloud" else ("local",):
            if (
                tier not in task.given_up
                and f"key:{tier}" not in self.latches
                and not (task.secret and tier == "cloud")
            ):
                yield tier

    def route(self) -> None:
        """Time passes, and every task that is free to go gets a tier, or learns why not."""
        for task in self.at("parked"):
            if task.until is not None and task.until <= self.now:
                task.back()
        for task in self.at("queue"):
            if task.tier is not None and f"key:{task.tier}" not in self.latches and task.worker == "queued":
                continue  # it has chosen, and its tier is still there
            task.tier = next(self.offered(task), None)
            task.worker = "queued"
            if task.tier is None and task.given_up:
                task.end("failed")
            elif task.tier is None:
                task.wait("secrecy" if task.secret else "tier")

    def works(self, tier: str) -> bool:
        """Whether anything may be begun there."""
        return not self.latches & {"emergency", "pause", f"pause:{tier}"}


class Turns(RuleBasedStateMachine):
    """The same things happen to both."""

    @initialize()
    def open(self) -> None:
        fit = tiers(
            a_tier("cloud", fallback="local", retry_delay=RETRY_DELAY), a_tier("local", retry_delay=RETRY_DELAY)
        )
        self.shop = Audited(tiers=fit, budget=a_budget(monthly=None), benches=[])
        self.model, self.count = Model(), 0
        for tier in ("cloud", "cloud", "local"):
            self.hire(tier)
        self.drop(3, "cloud", False, False, 1, 5)

    # The world

    @rule(
        many=some.integers(1, 4),
        tier=some.sampled_from(["cloud", "cloud", "local"]),
        secret=some.booleans(),
        hold=some.booleans(),
        retries=some.integers(0, 2),
        priority=some.integers(4, 6),
    )
    def drop(self, many: int, tier: str, secret: bool, hold: bool, retries: int, priority: int) -> None:
        new = []
        for _ in range(many):
            self.count += 1
            name = f"t{self.count}"
            asked: dict[str, Any] = {"on_interrupt": "hold"} if hold else {}
            asked |= {"findings": (a_secret(),)} if secret else {}
            new.append(a_new_task(name, tier=tier, retries=retries, priority=priority, **asked))
            self.model.tasks[name] = Modelled(name, self.count, priority, self.model.now, tier, secret, hold, retries)
            if secret:
                self.shop.auditor.secret.add(name)
        self.turn(an_arrival(*new))

    @rule(by=some.sampled_from([0, SECOND // 2, SECOND, HOUR, -HOUR]))
    def the_clock_moves(self, by: int) -> None:
        """On its own, or because somebody sets it."""
        self.model.now += by
        self.turn()

    @rule(tier=some.sampled_from(["cloud", "local"]))
    def hire(self, tier: str) -> None:
        if list(self.model.workers.values()).count(tier) < 2:
            self.count += 1
            self.model.workers[f"{tier}-{self.count}"] = tier
            self.turn()

    @precondition(lambda self: self.model.at("work"))
    @rule(pick=ANY, told=some.booleans())
    def begin(self, pick: int, told: bool) -> None:
        """Its worker is told, and mostly says that it has begun."""
        task, run = self._at_work(pick)
        task.sent, task.begun = True, task.begun or told
        self.turn(RunSent(task=run.task, run=run.number), *[RunStarted(task=task.name, run=run.number)] * told)

    @precondition(lambda self: self.model.at("work"))
    @rule(picks=some.lists(ANY, min_size=1, max_size=3))
    def answer(self, picks: list[int]) -> None:
        words = []
        for pick in picks:
            task, run = self._at_work(pick)
            if task.place == "work":
                task.end("completed")
            words.append(RunFinished(result=a_result(task.name, run.number, run.call)))
            if not self.model.at("work"):
                break
        self.turn(*words)

    @precondition(lambda self: self.model.at("work"))
    @rule(pick=ANY, how=some.sampled_from(FAILURES))
    def fail(self, pick: int, how: str) -> None:
        task, run = self._at_work(pick)
        self.model.fails(task, how)
        error = an_error(KINDS[how])
        self.turn(
            RunFinished(result=a_result(task.name, run.number, run.call, bill=Bill.NONE, usage=None, error=error))
        )

    @precondition(lambda self: self.model.workers)
    @rule(pick=ANY, on_purpose=some.booleans(), records=some.integers(0, 3), told=some.booleans())
    def a_worker_goes(self, pick: int, on_purpose: bool, records: int, told: bool) -> None:
        worker = sorted(self.model.workers)[pick % len(self.model.workers)]
        self.turn(*self._gone(worker, on_purpose, records, told))

    @rule(records=some.integers(0, 4), told=some.booleans(), cut=some.booleans())
    def the_master_dies(self, records: int, told: bool, cut: bool) -> None:
        """Perhaps in the middle of a turn, of which nothing stays; the next one accounts for every worker."""
        if cut:
            self._die_in_a_turn()
        words = [word for worker in sorted(self.model.workers) for word in self._gone(worker, True, records, told)]
        self.shop = self._the_next_master()
        self.turn(*words)

    @precondition(lambda self: self.shop.auditor.ended)
    @rule(pick=ANY, bad=some.booleans())
    def a_late_word(self, pick: int, bad: bool) -> None:
        """It is of a run that is over: nothing follows."""
        call = sorted(self.shop.auditor.ended)[pick % len(self.shop.auditor.ended)]
        query = "SELECT t.id, r.number FROM run r JOIN task t ON t.seq = r.task WHERE r.call = ?"
        task, number = self.shop.board.connection.execute(query, (call,)).fetchone()
        error = an_error(ErrorClass.SERVER) if bad else None
        self.turn(RunFinished(result=a_result(task, number, call, error=error)), RunStarted(task=task, run=number))

    @rule(twice=some.booleans())
    def file(self, twice: bool) -> None:
        owed = [Filed(task=seq) for seq, _ in self.shop.board.tasks.owed_filings(99)]
        for task in self.model.at("ending"):
            task.place = "ended"
        self.turn(*owed, *(owed if twice else ()))

    # People

    @precondition(lambda self: self.model.tasks)
    @rule(pick=ANY)
    def cancel(self, pick: int) -> None:
        task = self._some(pick)
        able = task.place in ("queue", "parked", "work")
        if task.place == "work":
            task.cancel_asked = True
        elif able:
            task.end("cancelled")
        assert self.ask("cancel", ids=[task.name])["results"][0]["ok"] is able

    @precondition(lambda self: self.model.tasks)
    @rule(pick=ANY)
    def retry(self, pick: int) -> None:
        task = self._some(pick)
        able = task.place == "parked" or (task.place == "ended" and task.outcome != "completed")
        if able:
            if task.place == "ended":
                task.failures = task.deaths = 0
                task.suspect = task.cancel_asked = False
                task.given_up, task.outcome, task.since = set(), None, self.model.now
            task.back()
        assert self.ask("retry", ids=[task.name])["results"][0]["ok"] is able

    @rule(tier=some.sampled_from([None, "cloud", "local"]), on=some.booleans())
    def pause_or_resume(self, tier: str | None, on: bool) -> None:
        latch = "pause" if tier is None else f"pause:{tier}"
        if on:
            self.model.latches.add(latch)
        else:
            self.model.latches -= {latch, f"key:{tier}"}
            self.model.choose_anew()
        assert self.ask("pause" if on else "resume", **({} if tier is None else {"tier": tier}))

    @rule(stop=some.booleans())
    def emergency(self, stop: bool) -> None:
        if stop:
            self.model.latches.add("emergency")
            self.ask("latch", reason="a drill")
        else:
            self.model.latches = {latch for latch in self.model.latches if latch.startswith("pause")}
            self.model.choose_anew()
            self.ask("resume_budget", reason="it was one")

    # Both, and whether they agree

    def ask(self, verb: str, **arguments: Any) -> Any:
        self._before()
        reply = self.shop.ask(verb, **arguments)
        self._agree()
        return reply["ok"]

    def turn(self, *heard: Heard) -> None:
        self._before()
        self.shop.turn(*heard)
        self._agree()

    def _before(self) -> None:
        self.shop.now = self.model.now
        self.shop.benches = [Bench(worker=w, tier=t, room=ROOMS[t]) for w, t in self.model.workers.items()]

    def _agree(self) -> None:
        self.model.route()
        admitted = self._newly_at_work()
        self._were_allowed(admitted)
        self._nobody_is_idle(admitted)
        for task in self.model.tasks.values():
            seen = self.shop.task(task.name)
            shown = {"queue": "pending", "parked": "pending", "ended": task.outcome}.get(task.place)
            if task.place == "work":
                shown = "in_progress" if task.begun else "assigned"
            assert shown in (None, seen.status), task
            assert seen.outcome == task.outcome, task
            park = (str(seen.park.reason), seen.park.until) if seen.park else (None, None)
            assert park == (task.park, task.until), task

    def _newly_at_work(self) -> list[Modelled]:
        """Whom the product has given a place in this turn; the model takes that over."""
        found = []
        for task_id, run in self.shop.board.runs.open():
            task = self.model.tasks[task_id]
            if task.place == "queue":
                assert (run.number, run.tier) == (task.runs + 1, task.tier), task
                task.place, task.worker, task.runs = "work", run.worker, run.number
                found.append(task)
        assert len(self.shop.board.runs.open()) == len(self.model.at("work"))
        return found

    def _were_allowed(self, admitted: list[Modelled]) -> None:
        for task in admitted:
            assert task.worker is not None
            assert task.tier is not None
            assert self.model.workers.get(task.worker) == task.tier, task
            assert self.model.works(task.tier), task
            assert not (task.secret and task.tier == "cloud"), task
            beside = self.model.of_worker(task.worker)
            assert len(beside) <= ROOMS[task.tier]
            assert len(beside) == 1 or not any(each.suspect for each in beside), "who is tried apart is alone"
            waiting = [each for each in self.model.at("queue") if each.tier == task.tier and not each.suspect]
            assert all(task.order < each.order for each in waiting) or task.suspect, "in dispatch order"

    def _nobody_is_idle(self, admitted: list[Modelled]) -> None:
        """Where no one is tried apart, places stay free only if nobody waits for them."""
        for tier, room in ROOMS.items():
            here = [task for task in self.model.at("queue", "work") if task.tier == tier]
            if self.model.works(tier) and not any(task.suspect for task in here):
                free = sum(
                    room - len(self.model.of_worker(worker)) for worker, of in self.model.workers.items() if of == tier
                )
                assert free == 0 or not any(task.place == "queue" for task in here), tier

    # Means

    def _gone(self, worker: str, on_purpose: bool, records: int, told: bool) -> list[Heard]:
        """It ends; of the first so many of its runs there is a record. `told`: somebody saw that they were sent."""
        runs = {task_id: run for task_id, run in self.shop.board.runs.open() if run.worker == worker}
        under_way = sorted(self.model.of_worker(worker), key=lambda task: task.order)
        words: list[Heard] = []
        for task in under_way:
            if told and not task.sent:
                task.sent = True
                words.append(RunSent(task=runs[task.name].task, run=runs[task.name].number))
        left = [task for task in under_way if task.sent][:records]
        lost = [task for task in under_way if task not in left]
        for task in left:
            task.end("completed")
        alone = sum(task.sent for task in lost) == 1
        for task in lost:
            self.model.is_lost(task, on_purpose=on_purpose, alone=alone)
        results = {
            (task.name, runs[task.name].number): a_result(task.name, runs[task.name].number, runs[task.name].call)
            for task in left
        }
        del self.model.workers[worker]
        return [*words, WorkerGone(worker=worker, reason="it is gone", on_purpose=on_purpose, results=results)]

    def _die_in_a_turn(self) -> None:
        """A turn that decides everything, and does not come to its commit."""
        self.count += 1
        twin = replace(self.shop, board=_Within(self.shop.board), deeds=[])
        with suppress(_Death), self.shop.board.transaction():
            Workshop.turn(twin, an_arrival(a_new_task(f"lost-{self.count}", tier="local")))
            raise _Death

    def _the_next_master(self) -> Audited:
        """Over the same board, with the auditor's books."""
        successor = replace(self.shop, deeds=[])
        successor.__dict__["auditor"] = self.shop.auditor
        self.shop.auditor.shop = successor
        return successor

    def _at_work(self, pick: int) -> tuple[Modelled, Run]:
        under_way = sorted(self.shop.board.runs.open(), key=lambda found: found[1].call)
        task_id, run = under_way[pick % len(under_way)]
        return self.model.tasks[task_id], run

    def _some(self, pick: int) -> Modelled:
        names = sorted(self.model.tasks)
        return self.model.tasks[names[pick % len(names)]]


class _Death(BaseException):
    """Of the master."""


class _Within:
    """A board in the middle of a transaction: what is opened in it is part of it."""

    def __init__(self, board: Any) -> None:
        self._board = board

    def __getattr__(self, name: str) -> Any:
        return getattr(self._board, "savepoint" if name == "transaction" else name)


TestTurns = Turns.TestCase
TestTurns.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=25)
