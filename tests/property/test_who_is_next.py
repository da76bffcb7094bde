"""Places, locks and needs on the real board: nobody waits in a circle or for ever, and each has his share."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from koubou.model.deed import RejectClaim
from koubou.model.heard import Filed, Heard, RunFinished
from koubou.model.instant import MINUTE, SECOND
from koubou.model.status import ENDS, ParkReason, Waiting
from koubou.model.task import Task
from koubou.rules.fairness import share
from tests.builders import a_bench, a_budget, a_new_task, a_result, a_tier, an_arrival, tiers
from tests.turns import Workshop

ANY = some.integers(0, 999)
PLACES = {"cloud": 4, "local": 3}
OWNERS = (1000, 1001, 1002)
LOCKS = ("tree", "house", "Tree")


class Places(RuleBasedStateMachine):
    """Three submitters with everything that makes tasks wait for one another."""

    @initialize()
    def open(self) -> None:
        fit = tiers(a_tier("cloud", fallback=None), a_tier("local", fallback=None))
        benches = [a_bench(name, room) for name, room in PLACES.items()]
        self.shop = Workshop(tiers=fit, budget=a_budget(monthly=None), benches=benches)
        self.asked: dict[str, dict[str, Any]] = {}
        self.paused: set[str] = set()
        self.counts: Counter[int] = Counter()
        for owner, priority, needs in ((1000, 3, set()), (1000, 7, {-1}), (1001, 5, {1})):
            self.drop(6, owner, needs, tier="cloud", session=None, priority=priority, locks=set())
        self.drop(2, 1002, set(), tier="local", session="x", priority=5, locks={"tree"})

    @rule(
        many=some.integers(1, 5),
        owner=some.sampled_from(OWNERS),
        tier=some.sampled_from(list(PLACES)),
        session=some.sampled_from([None, "x", "y"]),
        priority=some.integers(1, 10),
        locks=some.sets(some.sampled_from(LOCKS)),
        needs=some.sets(some.integers(-6, 3), max_size=2),
    )
    def drop(self, many: int, owner: int, needs: set[int], **asked: Any) -> None:
        """What is needed may come later; who would wait for himself is not taken in."""
        for _ in range(many):
            self.counts[owner] += 1
            number = self.counts[owner]
            name = f"o{owner}-{number}"
            needed = tuple(f"o{owner}-{number + each}" for each in sorted(needs) if each and number + each > 0)
            asked["depends_on"] = needed
            self.asked[name] = {"owner": owner, "since": self.shop.now, **asked}
            closes = self._is_circle(name)
            self.turn(an_arrival(a_new_task(name, owner=owner, **asked | {"locks": tuple(asked["locks"])})))
            rejected = [deed.error["class"] for deed in self.shop.deeds if isinstance(deed, RejectClaim)]
            assert rejected == (["cycle"] if closes else [])
            if closes:
                del self.asked[name]

    @rule(by=some.sampled_from([SECOND, MINUTE, 10 * MINUTE]))
    def time_passes(self, by: int) -> None:
        self.shop.now += by
        self.turn()

    @precondition(lambda self: self.at_work())
    @rule(pick=ANY)
    def one_ends(self, pick: int) -> None:
        under_way = sorted(self.shop.board.runs.open(), key=lambda found: found[1].call)
        task, run = under_way[pick % len(under_way)]
        self.turn(RunFinished(result=a_result(task, run.number, run.call)))
        self.file()

    @precondition(lambda self: self.asked)
    @rule(pick=ANY)
    def cancel(self, pick: int) -> None:
        self.ask("cancel", ids=[self._some(pick)])
        self.file()

    @precondition(lambda self: self.asked)
    @rule(pick=ANY)
    def retry(self, pick: int) -> None:
        """What had ended waits anew from now on."""
        name = self._some(pick)
        ended = self.shop.task(name).status in ENDS
        if self.ask("retry", ids=[name])["results"][0]["ok"] and ended:
            self.asked[name]["since"] = self.shop.now
        self._agree()

    @precondition(lambda self: self.asked)
    @rule(pick=ANY, level=some.integers(1, 10))
    def prioritize(self, pick: int, level: int) -> None:
        name = self._some(pick)
        if self.ask("priority", ids=[name], level=level)["results"][0]["ok"]:
            self.asked[name]["priority"] = level
        self._agree()

    @rule(tier=some.sampled_from(list(PLACES)), on=some.booleans())
    def pause_or_resume(self, tier: str, on: bool) -> None:
        (self.paused.add if on else self.paused.discard)(tier)
        self.ask("pause" if on else "resume", tier=tier)

    def teardown(self) -> None:
        """In the end all has ended but who waits for what nobody has dropped."""
        if not hasattr(self, "shop"):
            return
        for tier in sorted(self.paused):
            self.pause_or_resume(tier, on=False)
        for _ in range(len(self.asked) + 2):
            work = self.shop.board.runs.open()
            self.turn(*[RunFinished(result=a_result(task, run.number, run.call)) for task, run in work])
            self.file()
        for name in self.asked:
            task = self.shop.task(name)
            assert task.status in ENDS or self._waits_for_nobody_yet(name), (name, task.park)

    # Means

    def ask(self, verb: str, **arguments: Any) -> Any:
        reply = self.shop.ask(verb, **arguments)["ok"]
        if verb not in ("retry", "priority"):
            self._agree()
        return reply

    def turn(self, *heard: Heard) -> None:
        self.shop.turn(*heard)
        if not any(isinstance(deed, RejectClaim) for deed in self.shop.deeds):
            self._agree()

    def file(self) -> None:
        self.turn(*[Filed(task=seq) for seq, _ in self.shop.board.tasks.owed_filings(99)])

    def at_work(self) -> list[Task]:
        return [self.shop.task(task) for task, _ in self.shop.board.runs.open()]

    def waiting(self, tier: str) -> list[Task]:
        return self.shop.board.tasks.due_for_tier(tier, 999)

    def _some(self, pick: int) -> str:
        names = sorted(self.asked)
        return names[pick % len(names)]

    def _taken(self, tier: str) -> list[Task]:
        return [task for task in self.at_work() if task.tier == tier]

    def _is_circle(self, name: str) -> bool:
        seen, todo = set(), list(self.asked[name]["depends_on"])
        for each in todo:
            if each == name:
                return True
            if each not in seen and each in self.asked:
                seen.add(each)
                todo += self.asked[each]["depends_on"]
        return False

    def _waits_for_nobody_yet(self, name: str) -> bool:
        return any(
            needed not in self.asked
            or (self.shop.task(needed).status not in ENDS and self._waits_for_nobody_yet(needed))
            for needed in self.asked[name]["depends_on"]
        )

    # What always holds

    def _agree(self) -> None:
        self._no_lock_is_had_twice()
        self._who_waits_waits_for_somebody()
        self._no_place_is_free_for_nothing()
        self._is_as_ripe_as_it_should_be()
        for tier in PLACES:
            self._each_has_his_share(tier)

    def _no_lock_is_had_twice(self) -> None:
        had = Counter(lock for task in self.at_work() for lock in self.asked[task.id]["locks"])
        assert all(times == 1 for times in had.values()), had

    def _who_waits_waits_for_somebody(self) -> None:
        """Each chain of who waits for whom ends with somebody at work, or who can start, or who is not there yet."""
        at_work = self.at_work()
        for name in self.asked:
            task = self.shop.task(name)
            if task.park is None or task.park.reason is not ParkReason.DEPENDENCY:
                continue
            if task.waiting is Waiting.ROUTE:
                needed = self.asked[name]["depends_on"]
                standing = [self.shop.task(each).status if each in self.asked else None for each in needed]
                assert any(status not in ENDS for status in standing), name
                continue
            wanted = self.asked[name]["locks"]
            held = any(wanted & self.asked[other.id]["locks"] for other in at_work)
            riper = [
                other
                for other in map(self.shop.task, self.asked)
                if wanted & self.asked[other.id]["locks"]
                and (other.ripe_at, other.seq) < (task.ripe_at, task.seq)
                and other.waiting is Waiting.ADMIT
                and other.tier not in self.paused
            ]
            assert held or riper or task.tier in self.paused, f"{name} waits for nobody"

    def _no_place_is_free_for_nothing(self) -> None:
        for tier, places in PLACES.items():
            free = places - len(self._taken(tier))
            assert free == 0 or tier in self.paused or not self.waiting(tier), tier

    def _is_as_ripe_as_it_should_be(self) -> None:
        ripe: dict[str, int] = {}

        def own(name: str) -> int:
            return int(self.asked[name]["since"] + (10 - self.asked[name]["priority"]) * 30 * SECOND)

        def of(name: str) -> int:
            if name not in ripe:
                needers = [other for other, asked in self.asked.items() if name in asked["depends_on"]]
                waiting = [other for other in needers if self.shop.task(other).outcome is None]
                ripe[name] = min([own(name), *map(of, waiting)])
            return ripe[name]

        for name in self.asked:
            task = self.shop.task(name)
            assert task.outcome is not None or task.ripe_at == of(name), name

    def _each_has_his_share(self, tier: str) -> None:
        """Whoever got a place in a turn has not got it at the cost of somebody who has less than he may.

        Seen when the turn is over: the place of who cannot take it, for want of a lock, is given anew only then.
        """
        at_work, left = self._taken(tier), self.waiting(tier)
        owners = Counter(task.owner for task in at_work)
        one_each = share(PLACES[tier], len({task.owner for task in (*at_work, *left)}))
        poor = [one for one in left if owners[one.owner] < one_each.least]
        modest = [one for one in left if owners[one.owner] < one_each.most]
        for owner in {one.owner for one in map(self.shop.task, self.shop.sent()) if one.tier == tier}:
            assert not poor or owners[owner] <= one_each.least, "others have not got their tenth"
            assert not modest or owners[owner] <= one_each.most, "more than half, and others want it"


TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=25)


def workshop(room: int = 1) -> Workshop:
    return Workshop(tiers=tiers(a_tier("local")), benches=[a_bench("local", room)])


def test_a_ripe_task_of_the_lowest_priority_is_not_overtaken_for_ever() -> None:
    shop = workshop()
    shop.drop(a_new_task("first", tier="local"), a_new_task("patient", tier="local", priority=1))
    for number in range(100):
        shop.now += 20 * SECOND
        shop.drop(a_new_task(f"urgent-{number}", tier="local", priority=10))
        for name, run in shop.board.runs.open():
            shop.turn(RunFinished(result=a_result(name, run.number, run.call)))
        if shop.task("patient").run:
            break
    assert shop.now - shop.task("patient").created_at < 6 * MINUTE


def test_who_wants_two_locks_is_not_kept_waiting_by_those_who_want_one_each() -> None:
    shop = workshop(room=8)
    shop.drop(a_new_task("tree-0", tier="local", locks=("tree",)))
    shop.drop(a_new_task("both", tier="local", locks=("tree", "house")))
    for number in range(1, 9):
        kind = ("house", "tree")[number % 2]
        shop.drop(a_new_task(f"{kind}-{number}", tier="local", locks=(kind,)))
        if number > 2:
            (name, run), *_ = shop.board.runs.open()
            shop.turn(RunFinished(result=a_result(name, run.number, run.call)))
            break
    assert [name for name, _ in shop.board.runs.open()] == ["both"]
