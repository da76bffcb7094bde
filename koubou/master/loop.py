"""The master's loop: wait for whatever wakes it, take a turn, do the deeds. asyncio is only the reactor around it."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from koubou.board.board import Board
from koubou.errors import BoardUnavailable, SettingsError
from koubou.journal import Journal
from koubou.master.checking import Checking
from koubou.master.clock import Ids, clock
from koubou.master.crew import Crew
from koubou.master.deeds import Deeds
from koubou.master.figures import Figures
from koubou.master.hands import Hands
from koubou.master.in_step import InStep
from koubou.master.keeping import Keeping
from koubou.master.member import Member
from koubou.master.model_server import ModelServer
from koubou.master.reception import NOBODY, Reception
from koubou.master.recover import calls_of, records_of
from koubou.master.reloading import Problems, Reloading, refused
from koubou.master.said import heard_of
from koubou.master.source import Source
from koubou.master.staffing import Staffing
from koubou.master.standing import standing
from koubou.master.systemd import Herald, Notifier
from koubou.master.teller import Teller
from koubou.master.turn import BATCH, Outcome, turn
from koubou.master.window_keeper import WindowKeeper
from koubou.master.workshop import Workshop
from koubou.model.access import Caller, Role
from koubou.model.heard import Asked, CallEnded, Heard, RunSent, RunStarted, SettingsRead, WorkerGone
from koubou.model.instant import DAY, SECOND, Instant
from koubou.wire.messages import FromWorker, Ready

_HOUSEKEEPING = 1.0
_BOARD_RETRY = 1.0
_QUICK_END = 3.0
_IDLE_WORDS_WAIT = 0.05
_BY_SIGNAL = Caller(actor="signal", role=Role.GUARDIAN, uid=0, source="signal")


class Master:
    """Owns the clock, the signals and the crew of one workshop; the board is its own alone."""

    def __init__(self, board: Board, source: Source, journal: Journal, notifier: Notifier) -> None:
        self.workshop = workshop = source.again()
        self._board = board
        self._journal = journal
        self._figures = Figures(journal, lambda: self.workshop)
        self.herald = Herald(notifier, lambda: standing(board, self.workshop.budget, clock()))
        self._source = source
        self._day = clock() // DAY
        self._ids = Ids()
        self._chance = random.SystemRandom().random
        self._inbox: deque[Heard] = deque()
        self._awake, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._next_wake: Instant | None = None
        self._pending, self._housekept = 0, 0.0
        self._ending = False
        self._repricing: asyncio.Task[None] | None = None
        self._end_by: float | None = None
        self._reloading = Reloading(self._reload_aloud)
        self.crew = Crew(
            workshop, journal, new_id=self._ids, heard=self._worker_says, gone=self._worker_gone, chance=self._chance
        )
        self.staffing = Staffing(board, self.crew, journal, chance=self._chance)
        self.hands = Hands(
            workshop.intake,
            journal,
            self.crew.children,
            wake=self._awake.set,
            hear=self.hear,
            owed=lambda: self._deeds.shelve_what_is_owed(),
        )
        self.in_step = InStep(board, self.crew, journal)
        self.checking = Checking(board, self.crew, hear=self.hear)
        self.keeping = Keeping(board, self.hands, journal, hear=self.hear)
        self.teller = Teller(board, journal, workshop.guardian, hear=self.hear, children=self.crew.children)
        self._deeds = Deeds(board, self.crew, journal, hands=self.hands, hear=self.hear, tell=self.teller.tell)
        self.reception = Reception(
            board, self.crew, hear=self.hear, reload=self._reloading.ask, figures=self._figures.shape
        )
        self.model_server = ModelServer(self.crew, journal, changed=self._awake.set, hear=self.hear)
        self.window = WindowKeeper(journal, self.crew.children, source)

    # What wakes it

    def hear(self, message: Heard) -> None:
        """Something happened; the next turn deals with it."""
        self._inbox.append(message)
        if isinstance(message, RunSent | RunStarted | CallEnded):
            # Good to know, and little follows from it: another word will wake us first (an agent's next call, that is
            # held for in the same transaction), or the time.
            self._loop.call_later(_IDLE_WORDS_WAIT, self._wake_for_words)
        else:
            self._awake.set()

    def _wake_for_words(self) -> None:
        if self._inbox:
            self._awake.set()

    def emergency(self) -> None:
        """A bare SIGUSR2: stop spending until a person says otherwise."""
        self.hear(Asked(verb="latch", caller=_BY_SIGNAL, arguments={"reason": "SIGUSR2"}, ticket=NOBODY))

    def ring(self) -> None:
        """SIGUSR1: look, something is finished. The wire tells what; this only wakes."""
        self._awake.set()

    def end(self) -> None:
        """SIGTERM: drain. A second one is quick."""
        if not self._ending:
            self._ending = self.reception.draining = True
            self._end_by = self._loop.time() + self.workshop.workers.drain_timeout / SECOND
            self._pause_intake()
            self.hands.watching.set()  # nobody waits for the bell any more
            self.herald.draining()
            self._journal.say("system.draining", reason="asked to stop; calls under way finish")
        else:
            self._end_by = self._loop.time()
            self._journal.say("system.draining", "warning", reason="asked again: calls under way are cut")
        self._awake.set()

    def reload(self) -> None:
        """SIGHUP: take the settings anew if they are good, else keep the old ones."""
        self._reloading.ask().add_done_callback(self._reloaded_by_signal)

    def _reloaded_by_signal(self, asked: asyncio.Task[Problems]) -> None:
        if not asked.cancelled() and asked.exception() is None:
            self.hear(SettingsRead(caller=_BY_SIGNAL, problems=len(asked.result())))

    async def _reload_aloud(self) -> Problems:
        self.herald.reloading()
        problems: Problems = ["the settings could not be taken"]
        try:
            problems = await self._reload()
        finally:
            self.herald.reloaded(problems)
        return problems

    async def _reload(self) -> Problems:
        try:
            # Names of hosts are asked for and price tables read: a thread's work.
            workshop = await self._loop.run_in_executor(None, self._source.load)
        except SettingsError as error:
            return refused(self._journal, [str(problem) for problem in error.problems])
        if workshop.layout != self.workshop.layout:
            return refused(self._journal, ["home cannot change while the workshop is open"])
        self._take(workshop)
        await self.window.obey()
        self._journal.say("system.reloaded", tiers=sorted(workshop.tiers))
        return []

    async def _another_day(self) -> None:
        """The same settings at today's prices; who serves a tier whose price is another finishes what he has."""
        self._take(await self._loop.run_in_executor(None, self._source.again), keys_mended=False)

    def _take(self, workshop: Workshop, *, keys_mended: bool = True) -> None:
        self.workshop = workshop
        self.crew.retire_changed(workshop)
        self.write_settings(keys_mended=keys_mended)
        self.model_server.reload()
        self.hands.order(workshop.intake)
        self._awake.set()

    def write_settings(self, *, keys_mended: bool = True) -> None:
        """Bring board and guardian in step with the settings; what cannot be written now is written later."""
        self.in_step.settings_changed(keys_mended=keys_mended)
        self.teller.take(self.workshop.guardian, self.workshop.notify)

    async def close(self) -> None:
        """End what was started."""
        await self.hands.stop()
        await self.model_server.stop()
        await self.window.stop()

    # The loop

    async def run(self) -> None:
        """Take turns until told to end and everything under way is done. Raises BoardUnusable for a damaged board."""
        while not self._over():
            await self._sleep()
            self._awake.clear()
            heard = self._take_inbox()
            try:
                with self._figures.turn():
                    outcome = self._turn(heard)
            except BoardUnavailable as error:
                self._inbox.extendleft(reversed(heard))
                self._journal.say("board.fault", "error", reason=str(error))
                self.herald.turned(str(error))
                await asyncio.sleep(_BOARD_RETRY)
                self._awake.set()
                continue
            self.herald.turned()
            self._deeds.do(outcome.deeds)
            self.reception.reply(outcome.replies)
            self._next_wake = outcome.next_wake
            if self.hands.arrivals or outcome.moved >= BATCH:
                self._awake.set()
            self._look_after()

    def _look_after(self) -> None:
        """What does not wait for a turn; where the board cannot be reached, the next time sees to it."""
        try:
            with self._board.reachable():
                if not self._ending:
                    self.staffing.hire()
                if self._loop.time() - self._housekept >= _HOUSEKEEPING:
                    self._housekeep()
        except BoardUnavailable as error:
            self._journal.say("board.fault", "error", reason=str(error))

    def _turn(self, heard: list[Heard]) -> Outcome:
        return turn(
            self._board,
            self.workshop,
            tiers=self.crew.tiers(),
            benches=() if self._ending else self.crew.benches(),
            heard=heard,
            now=clock(),
            new_id=self._ids,
            chance=self._chance,
        )

    def _take_inbox(self) -> list[Heard]:
        heard = list(self._inbox)
        self._inbox.clear()
        for _ in range(min(BATCH, len(self.hands.arrivals))):
            heard.append(self.hands.arrivals.popleft())
        return heard

    async def _sleep(self) -> None:
        patience = max(0.0, self._housekept + _HOUSEKEEPING - self._loop.time())
        if self._next_wake is not None:
            patience = min(patience, max(0.0, (self._next_wake - clock()) / SECOND))
        if patience and not self._awake.is_set():
            timer = self._loop.call_later(patience, self._awake.set)
            await self._awake.wait()
            timer.cancel()
        else:
            await asyncio.sleep(0)

    def _over(self) -> bool:
        """Whether it may leave: all is done, or its time is up; what is owed stands on the board and in the folders."""
        if not self._ending or self._end_by is None:
            return False
        late = self._loop.time() - self._end_by
        if late >= 0:
            self.crew.kill_all()
        if late >= _QUICK_END:
            return True
        if self._inbox or self.hands.busy or self.teller.busy or self.staffing.busy or self._board.runs.open_count():
            return False
        self.crew.retire_all()
        here = self.crew.members or self.crew.orphans.busy
        return not here and not self._board.tasks.owed_filings(1)

    def _housekeep(self) -> None:
        """Once a second: beats and counts, idle workers, owed filings."""
        self._housekept = self._loop.time()
        if (today := clock() // DAY) != self._day:
            self._day = today
            self._repricing = self._loop.create_task(self._another_day())
        self.staffing.look()
        self._pending = self._board.tasks.pending_count()
        self._deeds.shelve_what_is_owed()
        self.teller.tell()
        self.checking.look(clock())
        self.keeping.look(self.workshop.retention)
        self._pause_intake()
        self.in_step.look()

    # What the crew and the intake say

    def _worker_says(self, message: FromWorker) -> None:
        if (word := heard_of(message)) is not None:
            self.hear(word)
        elif isinstance(message, Ready):
            self._awake.set()

    def _worker_gone(self, member: Member, meant: bool, reason: str) -> None:
        name, layout = member.identity.id, self.workshop.layout
        results, calls = records_of(self._board, layout, name), calls_of(self._board, layout, name)
        self.hear(WorkerGone(worker=name, reason=reason, on_purpose=meant, results=results, calls=calls))
        if member.unable is not None:
            self.in_step.tier_lost()

    def _pause_intake(self) -> None:
        """Beyond max_pending, files stay where they are; so they do while the workshop drains."""
        reason = None
        if self._ending:
            reason = "the workshop is being stopped"
        elif self._pending >= self.workshop.max_pending:
            reason = f"{self._pending} tasks are pending"
        self.hands.pause(reason)
