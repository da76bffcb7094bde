"""Keeps the board in step with the settings: the budget, the accounts of the day, who must choose or ask again."""

from __future__ import annotations

from msgspec.structs import replace

from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.clock import clock
from koubou.master.crew import Crew
from koubou.model.instant import Instant
from koubou.rules.latches import KEY
from koubou.rules.limits import LimitsInForce
from koubou.rules.session import has_ended


class InStep:
    """The crew knows the settings in force. What cannot be written now is written by the next `look`."""

    def __init__(self, board: Board, crew: Crew, journal: Journal) -> None:
        self._board = board
        self._crew = crew
        self._journal = journal
        self._tiers_changed = False
        self._limits_changed = False
        self._keys_mended = False

    def settings_changed(self, *, keys_mended: bool) -> None:
        """Write what the new settings say. `keys_mended`: who was set aside for his key or credit is tried anew."""
        self._tiers_changed = self._limits_changed = True
        self._keys_mended = self._keys_mended or keys_mended
        self.look()

    def tier_lost(self) -> None:
        """A worker cannot serve as its tier is set: whoever waits for that tier chooses again."""
        self._tiers_changed = True
        self.look()

    def look(self) -> None:
        """Once a second: the accounts of month and day, and what is left to write."""
        try:
            with self._board.transaction():
                self._write(clock())
        except BoardUnavailable as error:
            self._journal.say("board.fault", "error", reason=str(error))
        else:
            self._tiers_changed = self._limits_changed = self._keys_mended = False

    def _write(self, now: Instant) -> None:
        self._open_windows(now)
        if not self._tiers_changed:
            return
        budget = self._crew.workshop.budget
        self._board.ledger.set_budget(budget.monthly, budget.warn_at, budget.emergency_at, now)
        if self._keys_mended:
            self._try_keys(now)
        offered = [name for name, tier in self._crew.tiers().items() if tier.unfit is None]
        self._board.tasks.reroute_unknown(offered, now)
        if self._limits_changed:
            self._board.tasks.wake_all_breached(now)

    def _try_keys(self, now: Instant) -> None:
        tiers, circuits = self._crew.tiers(), self._board.circuits.all()
        for latch in [name for name in self._board.crew.latches() if name.startswith(KEY)]:
            name = latch.removeprefix(KEY)
            if name in tiers and has_ended(tiers[name], circuits):
                # Looked at now, not taken for well: it was told of, and is to be told of once.
                self._board.circuits.put(replace(circuits[latch], retry_at=now))
                continue
            self._board.crew.unlatch(latch)
            self._board.circuits.forget(latch)
            self._journal.say("tier.recovered", tier=name, reason="keys were read anew")

    def _open_windows(self, now: Instant) -> None:
        """They stand there from their first seconds on, also when nothing asks for money."""
        limits = LimitsInForce(
            budget=self._crew.workshop.budget, set=self._board.ledger.set_limits(), is_open=self._board.ledger.is_open
        )
        for limit in (limits.month(now), *limits.day(now)):
            self._board.ledger.open_account(limit, now)
