"""The intake's own thread: hears the bell, claims files, reads and examines them, so that no turn waits for a disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from koubou.detectors.kingfisher import Kingfisher
from koubou.errors import TaskFileError
from koubou.folders.claim import Claim, claim, leftovers
from koubou.folders.read import Drop, read_claim
from koubou.folders.reject import reject
from koubou.folders.watch import Doorbell
from koubou.journal import Journal
from koubou.master.workshop import Workshop
from koubou.model.heard import Arrived
from koubou.model.instant import Instant
from koubou.model.task import NewTask
from koubou.rules.classify import texts_of
from koubou.rules.examine import examine

BATCH = 128
_LOOK_EVERY = 2.0
_SPACE_EVERY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the reader asks of the master: how full it is, and where its finds go. Called from the reader's thread."""

    arrived: Callable[[Arrived], None]
    backlog: Callable[[], int]
    pending: Callable[[], int]
    clock: Callable[[], Instant]
    new_id: Callable[[], str]


class Reader:
    """Claims only while the workshop can take more; what it may not take stays in the folder, untouched."""

    def __init__(self, workshop: Workshop, journal: Journal, detector: Kingfisher, doors: Doors) -> None:
        self.workshop = workshop
        self._journal = journal
        self._detector = detector
        self._doors = doors
        self._rung: list[bytes] = []
        self._look = True
        self._bell = threading.Condition()
        self._ending = False
        self._paused: str | None = None
        self._stuck: set[bytes] = set()
        self._claims: dict[str, Claim] = {}
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier master left claimed, then with what lies in the folder."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more; what was claimed and not read is found again at the next start."""
        with self._bell:
            self._ending = True
            self._bell.notify()

    def join(self, patience: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(patience)

    def claimed(self, ulid: str) -> Claim | None:
        """The claim that goes by this ULID, once: who asks for it does away with it."""
        return self._claims.pop(ulid, None)

    def look(self) -> None:
        """Look into the folder now."""
        self._ring(None)

    def _ring(self, name: bytes | None) -> None:
        with self._bell:
            if name is None:
                self._look = True
            else:
                self._rung.append(name)
            self._bell.notify()

    def _work(self) -> None:
        doorbell = Doorbell(self.workshop.layout.tasks, self._ring)
        try:
            self._detector.load()
            self._read_all(leftovers(self.workshop.layout))
            last_look = 0.0
            while True:
                with self._bell:
                    if not (self._rung or self._look or self._ending):
                        self._bell.wait(_LOOK_EVERY)
                    if self._ending:
                        return
                    due = self._look or time.monotonic() - last_look >= _LOOK_EVERY
                    names, self._rung, self._look = self._rung, [], False
                if self._full():
                    self._hold_back(names)
                    continue
                try:
                    due = self._armed(doorbell) or due
                    self._take(names, due)
                except OSError as error:
                    self._journal.say("intake.fault", "error", reason=str(error))
                    self._hold_back(names)
                if due:
                    last_look = time.monotonic()
        finally:
            doorbell.close()

    def _armed(self, doorbell: Doorbell) -> bool:
        self.workshop.layout.ensure_tasks()
        return doorbell.arm()

    def _take(self, names: list[bytes], scan: bool) -> None:
        found = claim(
            self.workshop.layout,
            list(dict.fromkeys(names)),
            settle=self.workshop.settle,
            now=self._doors.clock(),
            limit=BATCH,
            new_ulid=self._doors.new_id,
            scan=scan,
        )
        if found.waiting:
            with self._bell:
                self._rung = [*found.waiting, *self._rung]
        for stuck in found.stuck:
            if stuck.name not in self._stuck:
                self._stuck.add(stuck.name)
                shown = stuck.name.decode("utf-8", "backslashreplace")
                self._journal.say("intake.stuck", "error", file=shown, reason=stuck.reason)
        self._read_all(found.taken)

    def _read_all(self, claims: Any) -> None:
        for claimed in claims:
            if self._ending:
                return
            try:
                self._read(claimed)
            except OSError as error:
                self._journal.say("intake.fault", "error", file=claimed.shown, reason=str(error))

    def _read(self, claimed: Claim) -> None:
        try:
            drop = read_claim(self.workshop.layout, claimed, self.workshop.read_limits)
            arrived = Arrived(claim=claimed.ulid, name=claimed.shown, tasks=self._new_tasks(drop))
        except FileNotFoundError:
            return
        except TaskFileError as refusal:
            reject(self.workshop.layout, claimed, refusal_shown(refusal))
            self._journal.say(
                "task.rejected", "warning", file=claimed.shown, reason=str(refusal), error_class=refusal.kind
            )
            return
        self._claims[claimed.ulid] = claimed
        self._doors.arrived(arrived)

    def _new_tasks(self, drop: Drop) -> tuple[NewTask, ...]:
        tasks = []
        for number, document in enumerate(drop.documents, start=1):
            plain = drop.claim.ulid if number == 1 else f"{drop.claim.ulid}-{number}"
            hits = self._detector.scan_texts(texts_of(document.request))
            tasks.append(
                NewTask(
                    id=document.request.id or plain,
                    claim=drop.claim.ulid,
                    document=number,
                    digest=document.digest,
                    owner=drop.owner,
                    source=document.source,
                    request=document.request,
                    examination=examine(document.request, hits),
                )
            )
        return tuple(tasks)

    def _full(self) -> bool:
        """Whether the workshop can take no more now; told once when it begins and once when it ends."""
        reason = None
        if self._doors.pending() >= self.workshop.max_pending:
            reason = f"{self.workshop.max_pending} tasks are pending"
        elif psutil.disk_usage(self.workshop.layout.home).free < self.workshop.min_free_disk:
            reason = "the disk is nearly full"
        if reason != self._paused:
            if reason is not None:
                self._journal.say("intake.paused", "warning", reason=reason)
            elif self._paused is not None:
                self._journal.say("intake.resumed")
            self._paused = reason
        # A long inbox is no reason to tell anybody: the next turn is shorter than any wait here.
        return reason is not None or self._doors.backlog() > 4 * BATCH

    def _hold_back(self, names: list[bytes]) -> None:
        with self._bell:
            self._rung = [*names, *self._rung]
            if not self._ending:
                self._bell.wait(_SPACE_EVERY if self._paused else 0.005)


def refusal_shown(refusal: TaskFileError) -> Mapping[str, Any]:
    """The error part of rejected/<name>.error.json."""
    problem = refusal.problem
    return {
        "class": refusal.kind,
        "message": str(problem),
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "nearest": problem.nearest,
    }
