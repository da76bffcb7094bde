"""What a step has at hand in one turn: board, settings, what was heard; and what it leaves to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from koubou.errors import BOARD_FAULTS
from koubou.model.access import EVERYBODY_SUBMITS, WORKSHOP, Access, Caller
from koubou.model.budget import Budget
from koubou.model.circuit import BreakerRules, Circuit
from koubou.model.deed import Deed, Say, TellGuardian
from koubou.model.heard import Heard
from koubou.model.instant import Instant
from koubou.model.notice import Audience
from koubou.model.notification import Notify
from koubou.model.policy import OPEN, Policy
from koubou.model.retention import Retention
from koubou.model.routing import Routing
from koubou.model.status import Move, Park, ParkReason, Waiting
from koubou.model.task import Task
from koubou.model.tier import Tier
from koubou.model.worker import Bench
from koubou.ports import Board
from koubou.rules.limits import LimitsInForce
from koubou.rules.session import as_offered
from koubou.steps.standing import standing

Message = TypeVar("Message")


@dataclass(slots=True, kw_only=True)  # no Struct: what it works out by itself is no argument
class Shop:
    """One turn's view of the workshop. `batch` bounds how many tasks a step takes on in one turn.

    `tiers` are given as the crew offers them; a step sees those that are frozen or left alone, now, as unfit.
    `wake_at` is when another turn should be taken, for what waits without being parked.
    """

    board: Board
    tiers: Mapping[str, Tier]
    routing: Routing
    budget: Budget
    benches: Sequence[Bench]
    heard: Sequence[Heard]
    new_id: Callable[[], str]
    chance: Callable[[], float]
    batch: int = 64
    breaker: BreakerRules = field(default_factory=BreakerRules)
    audience: Audience = field(default_factory=Audience)
    retention: Retention = field(default_factory=Retention)
    policy: Policy = OPEN
    access: Access = EVERYBODY_SUBMITS
    notify: Notify = field(default_factory=Notify)
    deeds: list[Deed] = field(default_factory=list)
    replies: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    circuits: dict[str, Circuit] = field(init=False)
    wake_at: Instant | None = field(init=False, default=None)
    _given: Mapping[str, Tier] = field(init=False)
    _limits: LimitsInForce | None = field(init=False, default=None)
    _together: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._given = self.tiers
        self.circuits = self.board.circuits.all()
        self._offer()

    @property
    def limits(self) -> LimitsInForce:
        """The limits as they are now: the settings with what a person set in their place."""
        if self._limits is None:
            self._limits = LimitsInForce(
                budget=self.budget, set=self.board.ledger.set_limits(), is_open=self.board.ledger.is_open
            )
        return self._limits

    def limits_changed(self) -> None:
        """A person set another limit, or is about to."""
        self._limits = None

    def of(self, kind: type[Message]) -> Iterator[Message]:
        """What was heard of one kind, in the order in which it came."""
        return (message for message in self.heard if isinstance(message, kind))

    def say(self, event: str, level: str = "info", **fields: Any) -> None:
        """A journal line, written after the commit."""
        self.deeds.append(Say(event=event, level=level, fields=fields))

    def note(self, task: Task, event: str, reason: str, now: Instant, by: Caller = WORKSHOP, **fields: Any) -> None:
        """A line in the task's history and in the journal. The reason is ours: it never holds task text."""
        self.board.history.add(task.seq, event, reason, now, by)
        self.say(event, task=task.id, reason=reason, **fields)

    def alert(self, kind: str, key: str, now: Instant, **facts: Any) -> None:
        """A latch fell (call it then only): the guardian is to be told, once by each way that the settings have.

        The facts are ids, numbers, categories and reasons of our own: no title, nothing that a task or a person wrote.
        """
        if not self.audience.channels:
            who = f"{self.audience.name} should know" if self.audience.name else "somebody should know"
            reason = f"{who}, and there is no way: set guardian.github.repo or guardian.webhook"
            self.say("guardian.unreachable", "error", kind=kind, key=key, reason=reason)
            return
        # A fault in the numbers must undo neither the latch nor the notice.
        self.apart(now, None, lambda: facts.update(standing(self.board, self.budget, now)))
        for channel in self.audience.channels:
            self.board.notices.owe(key, channel, self.new_id(), kind, {"key": key, **facts}, now)
        self.deeds.append(TellGuardian())

    def reroute(self, now: Instant) -> None:
        """A latch fell or was lifted: who waits for a tier that is not offered, or for any, chooses again this turn."""
        self._offer()
        self.board.tasks.reroute_unknown(self._offered(), now)

    def leave_alone(self, now: Instant) -> None:
        """A circuit has opened: who waits for a place behind it chooses again; who is parked stays so."""
        self._offer()
        self.board.tasks.leave_unknown(self._offered(), now)

    def wake_by(self, at: Instant) -> None:
        """Have another turn taken no later than that."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)

    def _offer(self) -> None:
        self.tiers = as_offered(self._given, self.board.crew.latches(), self.circuits)

    def _offered(self) -> list[str]:
        return [tier.name for tier in self.tiers.values() if tier.unfit is None]

    def apart(self, now: Instant, task_id: str | None, act: Callable[..., object], *arguments: object) -> bool:
        """Do `act(*arguments)` in a savepoint of its own; what raises is undone alone, its task parked for an operator.

        A fault of one task must never stop the turn, so any exception is caught here, once; faults of the board itself
        (a full disk, a damaged page) go on and undo the whole turn.
        """
        if self._together:
            act(*arguments)
            return True
        mark = len(self.deeds)
        try:
            with self.board.savepoint():
                act(*arguments)
        except BOARD_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            del self.deeds[mark:]
            what = f"{type(error).__name__}: {error}"
            self.say("task.fault", "error", task=task_id, reason=what)
            if task_id is not None:
                self._set_aside(now, task_id, what)
            return False
        return True

    def together(self, act: Callable[[], object]) -> bool:
        """Do `act()` in one savepoint, with all that it wants done apart; False where any of that raised.

        Then nothing of it was done: the caller does each part apart, and finds out which one is at fault.
        """
        mark, wake_at = len(self.deeds), self.wake_at
        self._together = True
        try:
            with self.board.together():
                act()
        except BOARD_FAULTS:
            raise
        except Exception:  # noqa: BLE001 - it comes again where it is done apart, and is told there
            del self.deeds[mark:]
            self.wake_at, self._limits, self.circuits = wake_at, None, self.board.circuits.all()
            self._offer()
            return False
        finally:
            self._together = False
        return True

    def _set_aside(self, now: Instant, task_id: str, what: str) -> None:
        task = self.board.tasks.get(task_id)
        if task is None or task.outcome is not None or task.waiting in (None, Waiting.FILE):
            return
        park = Park(reason=ParkReason.OPERATOR, detail=f"{what}; koubou retry {task.id} tries again")
        if task.waiting is Waiting.RUN:
            self.board.tasks.retried(task, now, park)
        else:
            self.board.tasks.parked(task, park, now)
        self.note(task, "task.parked", park.detail, now, move=str(Move.PARKED))
