"""What the screen shows, taken off the board in one short transaction; what is heavy only now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil
from msgspec import Struct

from koubou.board.filter import Filter
from koubou.board.reading import Reading, Rest, Seen
from koubou.cli.status import this_month
from koubou.model.account import Account
from koubou.model.instant import DAY, Instant
from koubou.model.status import ENDS, ParkReason, Status
from koubou.model.task import TYPES, Task
from koubou.views import words
from koubou.views.me import Me, me_by_master
from koubou.views.spending import Spending, spending
from koubou.views.status import gather, said_by_master
from koubou.views.workers import seen_now
from koubou.views.workshop import Workshop

_AT_WORK = (Status.IN_PROGRESS, Status.ASSIGNED)
_WAITING = (Status.PENDING, Status.ROUTING)
_MOST_OF_EACH = 100
_MOST_FAILURES = 30
_MONEY_EVERY = 10.0
"""Seconds between two looks at the ledger's days."""
_ME_EVERY = 10.0
"""Seconds after which the master is asked again who we are: a reload may give us another role."""


class Use(Struct, frozen=True, kw_only=True):
    """What a worker uses: percent of one core since it was looked at last, and resident bytes."""

    cpu: float
    memory: int


class Failure(Struct, frozen=True, kw_only=True):
    """A task that failed, and what is known of why."""

    task: Task
    rest: Rest


class Picture(Struct, frozen=True, kw_only=True):
    """How everything stood at one moment. `tasks` are those at work, those that wait, those that ended lately.

    `cut` says that there are more of a kind than were looked at.
    """

    at: Instant
    home: str
    folder: str
    served: bool
    status: Mapping[str, Any]
    month: Account | None
    spending: Spending
    tasks: Sequence[Task]
    cut: bool
    failures: Sequence[Failure]
    workers: Sequence[Seen]
    uses: Mapping[str, Use]
    me: Me | None
    """Who looks; None where no master says so."""

    @property
    def told_of(self) -> list[Task]:
        """All tasks that it shows."""
        return [*self.tasks, *(failure.task for failure in self.failures)]


class Sight:
    """Looks at a workshop again and again, whether its master comes or goes; for one thread."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self._board: Reading | None = None
        self._spending: Spending | None = None
        self._spending_at = 0.0
        self._me: Me | None = None
        self._me_at = 0.0
        self._processes: dict[str, psutil.Process] = {}

    def look(self, wanted: str = "") -> Picture:
        """How it stands now, with the tasks that have all of these words.

        Raises BoardUnavailable, PermissionError, and SettingsError where the settings are bad.
        """
        workshop = self.workshop
        said, served, now = said_by_master(workshop), workshop.served, words.now()
        board = self._opened(served)
        with board.picture():
            status, accounts = gather(workshop, board, said)
            tasks, cut = tasks_of(board, wanted)
            failed = board.browsing.newest(Status.FAILED, Filter(), _MOST_FAILURES)
            recent = [task for task in failed if (task.finished_at or task.updated_at) > now - DAY]
            failures = [Failure(task=task, rest=board.rest(task)) for task in recent]
            workers = seen_now(workshop, board, everybody=False)
            self._spending = self._spent(board, now)
        return Picture(
            at=now,
            home=workshop.layout.home,
            folder=workshop.layout.tasks,
            served=served,
            status=status,
            month=this_month(accounts, now),
            spending=self._spending,
            tasks=tasks,
            cut=cut,
            failures=failures,
            workers=workers,
            uses=self._used(workers),
            me=self._asked_who(bool(said)),
        )

    def close(self) -> None:
        """Let go of the board."""
        if self._board is not None:
            self._board.close()
            self._board = None

    def _opened(self, served: bool) -> Reading:
        """The board; one that was opened while nobody served it is a still picture, so it is opened anew."""
        if self._board is None or not served:
            self.close()
            self._board = self.workshop.open_board(served=served)
        return self._board

    def _spent(self, board: Reading, now: Instant) -> Spending:
        if self._spending is None or time.monotonic() - self._spending_at >= _MONEY_EVERY:
            self._spending_at = time.monotonic()
            return spending(board, now, self.workshop.timezone)
        return self._spending

    def _asked_who(self, answers: bool) -> Me | None:
        """Who we are; `answers` says whether the master did just now."""
        if not answers:
            self._me = None
        elif self._me is None or time.monotonic() - self._me_at >= _ME_EVERY:
            self._me, self._me_at = me_by_master(self.workshop), time.monotonic()
        return self._me

    def _used(self, workers: Sequence[Seen]) -> dict[str, Use]:
        """What each of the crew uses. Of one seen for the first time the processor's share is 0."""
        uses: dict[str, Use] = {}
        known, self._processes = self._processes, {}
        for worker in workers:
            with suppress(psutil.Error):
                process = known.get(worker.id) or _worker_process(worker.pid)
                if process is not None:
                    uses[worker.id] = Use(cpu=process.cpu_percent(), memory=process.memory_info().rss)
                    self._processes[worker.id] = process
        return uses


def tasks_of(board: Reading, wanted: str) -> tuple[list[Task], bool]:
    """The tasks that have all of these words, of the newest hundred of each kind; and whether there are older ones."""
    narrow, texts = _meant(board, wanted)
    found: list[Task] = []
    cut = False
    for statuses in (_AT_WORK, _WAITING, tuple(ENDS)):
        chosen = [status for status in statuses if not narrow.status or status in narrow.status]
        tasks = [task for status in chosen for task in board.browsing.newest(status, narrow, _MOST_OF_EACH)]
        tasks = sorted(tasks, key=lambda task: -task.seq)[:_MOST_OF_EACH]
        cut = cut or len(tasks) == _MOST_OF_EACH
        found += sorted(tasks, key=_urgency) if statuses is _WAITING else tasks
    return [task for task in found if all(text in _texts(task) for text in texts)], cut


def _meant(board: Reading, wanted: str) -> tuple[Filter, list[str]]:
    """What the board is asked for, and the words that are looked for in what it gives."""
    status, park, tier, kind, texts = [list[str]() for _ in range(5)]
    tiers = {*board.queued(), *board.running()} if wanted else set()
    for word in wanted.lower().split():
        if word in set(Status):
            status.append(word)
        elif word in set(ParkReason):
            park.append(word)
        elif word in TYPES:
            kind.append(word)
        elif word in tiers:
            tier.append(word)
        else:
            texts.append(word)
    return Filter(status=status, park=park, tier=tier, type=kind), texts


def _texts(task: Task) -> str:
    parts = (task.id, task.title, task.tier, task.type, task.session, "parked" if task.park else "")
    return " ".join(part for part in parts if part).lower()


def _urgency(task: Task) -> tuple[bool, Instant, int]:
    """Those that can go on first, in the order in which they ripen."""
    return task.park is not None, task.ripe_at, task.seq


def _worker_process(pid: int) -> psutil.Process | None:
    """The process of a worker; None where the number is by now that of another."""
    process = psutil.Process(pid)
    if not any("koubou.worker" in word for word in process.cmdline()):
        return None
    process.cpu_percent()
    return process
