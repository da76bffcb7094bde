"""What an earlier master left: its crew is ended first, then everything it owed is accounted for."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from koubou.board.board import Board
from koubou.folders.layout import Layout
from koubou.hands.records import record_of
from koubou.journal import Journal
from koubou.master.child import boot_id, start_time
from koubou.model.call import CallResult
from koubou.model.heard import Heard, RunSent, WorkerGone
from koubou.model.instant import SECOND, Milliseconds
from koubou.model.worker import WorkerIdentity

_KILL_GRACE = 5.0
_REASON = "the workshop was stopped while it was at work"


def end_old_crew(crew: Sequence[WorkerIdentity], journal: Journal, grace: Milliseconds) -> None:
    """End every process of the old crew, by identity, and wait for it: calls under way may finish for `grace`."""
    here = boot_id()
    pidfds = {}
    for worker in crew:
        if worker.boot != here or start_time(worker.pid) != worker.born:
            continue
        with suppress(OSError):
            pidfd = os.pidfd_open(worker.pid)
            if start_time(worker.pid) == worker.born:
                pidfds[worker.id] = pidfd
            else:
                os.close(pidfd)
    for number, patience in ((signal.SIGTERM, grace / SECOND + 1), (signal.SIGKILL, _KILL_GRACE)):
        for pidfd in pidfds.values():
            with suppress(OSError):
                signal.pidfd_send_signal(pidfd, number)
        deadline = time.monotonic() + patience
        while pidfds and time.monotonic() < deadline:
            for worker_id, pidfd in list(pidfds.items()):
                if _ended(pidfd):
                    os.close(pidfds.pop(worker_id))
            if pidfds:
                time.sleep(0.02)
    for worker_id, pidfd in pidfds.items():
        journal.say("worker.stuck", "error", worker=worker_id, reason="a worker of the old crew cannot be ended")
        os.close(pidfd)


def lost_workers(board: Board, layout: Layout) -> list[Heard]:
    """The end of each worker of the old crew, with the records that its runs have left.

    A run may have been handed over without the board knowing: its master died first. Where that cannot be ruled out it
    counts as sent, so that its money is not given back.
    """
    alive, runs = board.crew.alive(), board.runs.open()
    here = {worker.id for worker in alive if worker.boot == boot_id()}
    workers = {worker.id for worker in alive} | {run.worker for _, run in runs}
    sent = [
        RunSent(task=run.task, run=run.number)
        for task_id, run in runs
        if run.sent_at is None and (run.worker not in here or _was_begun(layout, task_id, run.number))
    ]
    gone = [
        WorkerGone(worker=worker, reason=_REASON, on_purpose=True, results=records_of(board, layout, worker))
        for worker in sorted(workers)
    ]
    return [*sent, *gone]


def records_of(board: Board, layout: Layout, worker: str) -> Mapping[tuple[str, int], CallResult]:
    """What a worker that has ended left of the runs that it had under way, by task and run."""
    found = {}
    for task_id, run in board.runs.open_of_worker(worker):
        record = record_of(layout, task_id, run.number)
        if record is not None and record.result.call == run.call:
            found[task_id, run.number] = record.result
    return found


def _was_begun(layout: Layout, task_id: str, number: int) -> bool:
    """Whether a worker has made the run's folder, which it does before it calls; after a reboot none tells of that."""
    return os.path.isdir(f"{layout.task_folder('in_progress', task_id)}/runs/{number}")


def _ended(pidfd: int) -> bool:
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except OSError:
        return True
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
