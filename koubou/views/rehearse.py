"""One turn for one task, rehearsed: the master's own steps, on a board in memory that has the money of the real one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.board import Board
from koubou.board.reading import Reading
from koubou.board.rehearsal import rehearsal, undone
from koubou.config.budgets import budget_of
from koubou.config.routing import routing_of
from koubou.errors import BoardUnavailable, KoubouError
from koubou.model.account import Amounts, Bearer
from koubou.model.heard import Arrived
from koubou.model.instant import Instant
from koubou.model.status import ParkReason, Status
from koubou.model.task import NewTask, Task
from koubou.model.tier import Tier
from koubou.model.worker import Bench
from koubou.rules.asides import asked_cap
from koubou.rules.latches import EMERGENCY
from koubou.steps import STEPS, Shop
from koubou.steps.admit import bearers_of, input_of

if TYPE_CHECKING:
    from koubou.config.settings import Settings
    from koubou.views.workshop import Workshop

_PLACEHOLDER = "KEY_OF_THE_SERVICE"


class Rehearsed(Struct, frozen=True, kw_only=True):
    """What a turn makes of a task: its tier, the accounts that its call touches as they are before it, and the hold.

    `hold` is None where nothing was held. `fits` None: it waits for something other than money. `verdict` says why.
    `never`: it would fail at once, and so would any like it.
    """

    task: Task
    tier: Tier | None
    bearers: Sequence[Bearer]
    hold: Amounts | None
    fits: bool | None
    verdict: str
    never: bool


class Stage:
    """The tiers and the money of a workshop, for any number of rehearsals."""

    def __init__(self, workshop: Workshop, now: Instant) -> None:
        self._settings = workshop.settings
        self._now = now
        self.notes: list[str] = []
        self.board = self._money(workshop)
        self.tiers = self._offered(workshop)

    def play(self, new: NewTask) -> Rehearsed:
        """What would become of this task now, if it were the only one that waits."""
        with undone(self.board):
            shop = self._shop(Arrived(claim=new.claim, name="", tasks=(new,)))
            for step in STEPS:
                step(shop, self._now)
            task = self.board.tasks.get(new.id)
            if task is None:
                raise KoubouError("the rehearsal lost its task: a bug, please report it")
            tier = shop.tiers.get(task.tier) if task.tier else None
            run = self.board.runs.get(task.seq, task.run) if task.run else None
            held = self.board.ledger.open_hold(run.call) if run is not None else None
            hold = held.amounts if held else None
            fits, verdict = self._verdict(task, hold)
            bearers = [] if tier is None else self._bearers(shop, task, tier, hold or Amounts())
            return Rehearsed(
                task=task,
                tier=tier,
                bearers=bearers,
                hold=hold,
                fits=fits,
                verdict=verdict,
                never=task.outcome is Status.FAILED,
            )

    def _shop(self, *heard: Arrived) -> Shop:
        return Shop(
            board=self.board,
            tiers=self.tiers,
            routing=routing_of(self._settings),
            budget=budget_of(self._settings.budget),
            benches=[Bench(worker=name, tier=name, room=1) for name in self.tiers],
            heard=heard,
            new_id=lambda: "call",
            chance=lambda: 0.5,
        )

    def _bearers(self, shop: Shop, task: Task, tier: Tier, hold: Amounts) -> list[Bearer]:
        """The accounts that the call touches, without what this rehearsal holds on them."""
        if tier.price is None:
            return []
        input_tokens = input_of(task, tier)
        found = bearers_of(shop, task, tier, tier.price, input_tokens, self._now, cap=asked_cap(task, tier))
        return [
            replace(each, account=replace(each.account, held=each.account.held - hold.of(each.account.dimension)))
            for each in found
        ]

    def _verdict(self, task: Task, hold: Amounts | None) -> tuple[bool | None, str]:
        if hold is not None:
            return True, "what it needs at most can be held now"
        if task.park is not None:
            return (False if task.park.reason is ParkReason.BUDGET else None), f"{task.park.reason}: {task.park.detail}"
        if task.outcome is Status.FAILED:
            error = Reading(self.board.connection).rest(task).error or {}
            return (False if error.get("class") == "budget" else None), f"it would fail: {error.get('message', '')}"
        stopped = self.board.crew.latches().get(EMERGENCY)
        return None, f"everything is stopped: {stopped}" if stopped else "its tier takes nothing now"

    def _money(self, workshop: Workshop) -> Board:
        """A board with the accounts of the workshop's, as far as there is one that we may read."""
        try:
            with workshop.reading() as board, board.picture():
                return board.rehearsal()
        except BoardUnavailable:
            self.notes.append("there is no board yet: what is left is what the settings allow")
        except PermissionError:
            self.notes.append("you may not read the board: what is left is what the settings allow")
        return rehearsal(None)

    def _offered(self, workshop: Workshop) -> dict[str, Tier]:
        """The tiers as the master offers them; where none says so, as he would if all keys are there."""
        from koubou.views.control import ask

        found = tiers_of(self._settings)
        try:
            told: Mapping[str, Any] = ask(workshop.layout.run, "state", patience=2.0)["tiers"]
        except (KoubouError, KeyError, TypeError):
            self.notes.append("no master answers: the keys of the tiers are taken for granted")
            return found
        return {name: _as_told(tier, told.get(name)) for name, tier in found.items()}


def tiers_of(settings: Settings) -> dict[str, Tier]:
    """The tiers as they would be with all their keys: who asks what something costs need not have them."""
    from koubou.config.tier_settings import KeySource
    from koubou.config.tiers import tiers

    keyed = {
        name: tier.model_copy(update={"api_key": (KeySource(env=_PLACEHOLDER),)}) if tier.api_key else tier
        for name, tier in settings.tiers.items()
    }
    found, _ = tiers(settings.model_copy(update={"tiers": keyed}), {**os.environ, _PLACEHOLDER: "x"})
    return found


def _as_told(tier: Tier, told: Any) -> Tier:
    unfit = told.get("unfit") if isinstance(told, Mapping) else None
    return replace(tier, unfit=str(unfit)) if unfit and tier.unfit is None else tier
