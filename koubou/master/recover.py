"""What an earlier master left: each of its workers is ended, and only then what it had under way is accounted for.

Nobody else waits for that: a call under way may take its time, and until then its task is not touched.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from koubou.board.board import Board
from koubou.folders.layout import Layout
from koubou.hands.records import calls_left, record_of
from koubou.journal import Journal
from koubou.master.child import boot_id, start_time
from koubou.model.call import CallResult
from koubou.model.heard import Heard, RunSent, WorkerGone
from koubou.model.instant import SECOND, Milliseconds
from koubou.model.worker import WorkerIdentity

_KILLED_AFTER = 1.0
_KILL_GRACE = 5.0
_REASON = "the workshop was stopped while it was at work"


class OldCrew:
    """The workers that an earlier master left. `gone` is told of each, once, when its process has ended."""

    def __init__(self, journal: Journal, *, gone: Callable[[str], None]) -> None:
        self._journal = journal
        self._gone = gone
        self._pidfds: dict[str, int] = {}

    def end(self, crew: Sequence[WorkerIdentity], grace: Milliseconds) -> Collection[str]:
        """Ask each process to end, by identity; `grace` is for calls under way, then it is killed. Who still lives."""
        loop, here = asyncio.get_running_loop(), boot_id()
        for worker in crew:
            if worker.boot == here and (pidfd := _hold(worker)) is not None:
                self._pidfds[worker.id] = pidfd
                loop.add_reader(pidfd, self._ended, worker.id)
        if self._pidfds:
            self._signal(signal.SIGTERM)
            patience = grace / SECOND + _KILLED_AFTER
            loop.call_later(patience, self.kill)
            loop.call_later(patience + _KILL_GRACE, self._give_up)
        return tuple(self._pidfds)

    def kill(self) -> None:
        """End who is left, at once; records that were left count."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for pidfd in self._pidfds.values():
            with suppress(OSError):
                signal.pidfd_send_signal(pidfd, number)

    def _ended(self, worker: str) -> None:
        pidfd = self._pidfds.pop(worker)
        asyncio.get_running_loop().remove_reader(pidfd)
        os.close(pidfd)
        self._gone(worker)

    def _give_up(self) -> None:
        for worker in list(self._pidfds):
            self._journal.say("worker.stuck", "error", worker=worker, reason="a worker of the old crew cannot be ended")
            self._ended(worker)


def lost_workers(board: Board, layout: Layout, but: Collection[str] = ()) -> list[Heard]:
    """The end of each worker that the board knows of, `but` of those that live; and of what it had under way."""
    known = {worker.id for worker in board.crew.alive()} | {run.worker for _, run in board.runs.open()}
    return [word for worker in sorted(known.difference(but)) for word in lost_worker(board, layout, worker)]


def lost_worker(board: Board, layout: Layout, worker: str) -> list[Heard]:
    """The end of a worker of an earlier master, with the records that its runs have left.

    A run may have been handed over without the board knowing: its master died first. Where that cannot be ruled out it
    counts as sent, so that its money is not given back.
    """
    here = any(known.id == worker and known.boot == boot_id() for known in board.crew.alive())
    sent = [
        RunSent(task=run.task, run=run.number)
        for task_id, run in board.runs.open_of_worker(worker)
        if run.sent_at is None and (not here or _was_begun(layout, task_id, run.number))
    ]
    results, calls = records_of(board, layout, worker), calls_of(board, layout, worker)
    return [*sent, WorkerGone(worker=worker, reason=_REASON, on_purpose=True, results=results, calls=calls)]


def records_of(board: Board, layout: Layout, worker: str) -> Mapping[tuple[str, int], CallResult]:
    """What a worker that has ended left of the runs that it had under way, by task and run."""
    found = {}
    for task_id, run in board.runs.open_of_worker(worker):
        record = record_of(layout, task_id, run.number)
        if record is not None and record.result.call == run.call:
            found[task_id, run.number] = record.result
    return found


def calls_of(board: Board, layout: Layout, worker: str) -> list[CallResult]:
    """How the calls ended that agents of a worker had under way, as far as a line of them was left."""
    return [
        result
        for task_id, run in board.runs.open_of_worker(worker)
        if (under_way := set(board.agent_calls.of_run(run.task, run.number)))
        for result in calls_left(layout, task_id, run.number)
        if result.call in under_way
    ]


def _was_begun(layout: Layout, task_id: str, number: int) -> bool:
    """Whether a worker has made the run's folder, which it does before it calls; after a reboot none tells of that."""
    return os.path.isdir(f"{layout.task_folder('in_progress', task_id)}/runs/{number}")


def _hold(worker: WorkerIdentity) -> int | None:
    """A pidfd of this very process; None when it has ended."""
    with suppress(OSError):
        pidfd = os.pidfd_open(worker.pid)
        if start_time(worker.pid) == worker.born:
            return pidfd
        os.close(pidfd)
    return None
