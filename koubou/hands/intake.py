"""The intake: hears the bell, claims files, reads and examines them, and passes on what they ask for.

What was passed on stays claimed in the folder until the master says that it is on the board, so that nothing is lost
whoever dies. Claims an earlier intake left are read again first; the board knows those it has.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
from msgspec.structs import replace

from koubou import crash
from koubou.detectors.kingfisher import Kingfisher
from koubou.documents.limits import Limits
from koubou.errors import Problem, ProtocolError, TaskFileError
from koubou.folders.claim import Claim, claim, leftovers
from koubou.folders.layout import Layout
from koubou.folders.names import shown
from koubou.folders.read import read_claim
from koubou.folders.reject import discard, reject
from koubou.folders.requests import ReadLimits
from koubou.folders.watch import Doorbell
from koubou.hands.examining import new_tasks
from koubou.hands.line import Line
from koubou.hands.owners import Owners
from koubou.model.heard import Arrived
from koubou.model.ulid import ENTROPY_BYTES, following, ulid
from koubou.wire.framing import encode
from koubou.wire.hand_messages import IntakeOrders, Pause, Reject, Taken, Told, Watching

_AT_ONCE = 256
_MOST_UNDER_WAY = 1_024
_MOST_BYTES_UNDER_WAY = 64_000_000
_SAID_AT_ONCE = 1_000_000
_LOOK_EVERY = 2.0
_FAULT_PAUSE = 1.0
_FULL_PAUSE = 0.5
_BUG = 70


def serve(line: Line) -> None:
    """Take files in until the wire ends."""
    logging.getLogger().addHandler(logging.NullHandler())
    orders: IntakeOrders | None = None
    intake: Intake | None = None
    while heard := line.hear():
        for message in heard:
            if isinstance(message, IntakeOrders):
                orders = message
                if intake is None:
                    intake = Intake(line, orders)
                    intake.start()
                intake.obey(orders)
            elif intake is not None:
                intake.hear(message)
    # The master has gone. Claims stay where they are; whoever comes next reads them again.
    os._exit(0)


class Intake:
    """`hear` is called from the wire's thread; claiming and reading have a thread of their own."""

    def __init__(self, line: Line, orders: IntakeOrders) -> None:
        self._line = line
        self._orders = orders
        self._layout = Layout(home=orders.home)
        self._limits = ReadLimits()
        self._detector = Kingfisher(Path(orders.rule_cache))
        self._owners = Owners()
        self._claims: dict[str, tuple[Claim, int]] = {}
        self._under_way = 0
        self._bell = threading.Condition()
        self._ready: dict[bytes, None] = {}
        self._look = True
        self._looked = 0.0
        self._paused: str | None = None
        self._told_pause: str | None = None
        self._stuck: set[bytes] = set()
        self._last_ulid = ulid(0, bytes(ENTROPY_BYTES))

    def start(self) -> None:
        """Begin with what was left claimed, then with what lies in the folder."""
        threading.Thread(target=self._work, name="intake", daemon=True).start()

    def obey(self, orders: IntakeOrders) -> None:
        """Take these limits from now on."""
        self._orders = orders
        self._limits = replace(
            self._limits,
            document=Limits(size=orders.max_file),
            attached=orders.max_attached,
            roots=orders.roots,
            tiers=frozenset(orders.tiers),
            targets=frozenset(orders.targets),
        )

    def hear(self, message: Any) -> None:
        """What the master says of claims and pauses."""
        match message:
            case Taken(claims=ulids):
                self._done(ulids, discard)
            case Reject(claim=ulid_, error=error):
                self._done([ulid_], lambda layout, claimed: reject(layout, claimed, error))
            case Pause(reason=reason):
                self._paused = reason
        with self._bell:
            self._bell.notify()

    def _done(self, ulids: Iterable[str], act: Callable[[Layout, Claim], object]) -> None:
        for name in ulids:
            crash.at("intake.discarding")
            claimed, size = self._claims.pop(name, (None, 0))
            self._under_way -= size
            if claimed is not None:
                try:
                    act(self._layout, claimed)
                    crash.at("intake.discarded")
                except OSError as error:
                    self._tell("intake.fault", "error", file=claimed.shown, reason=_word(error))

    def _ring(self, name: bytes | None) -> None:
        with self._bell:
            if name is None:
                self._look = True
            else:
                self._ready[name] = None
            self._bell.notify()

    def _work(self) -> None:
        """The thread's life. Whatever ends it ends the process: the master starts another, and nothing is lost."""
        try:
            doorbell = Doorbell(self._layout.tasks, self._ring)
            self._try(lambda: self._watch(doorbell))
            self._line.say([Watching()])
            self._detector.load()
            self._try(lambda: self._read(leftovers(self._layout)))
            while True:
                self._try(lambda: self._take(doorbell))
        except BaseException as error:  # noqa: BLE001 - a thread that ends in silence would leave a workshop without intake
            self._tell("intake.fault", "error", reason=f"a bug: {type(error).__name__}; please report it")
            os._exit(_BUG)

    def _watch(self, doorbell: Doorbell) -> bool:
        self._layout.ensure_tasks()
        return doorbell.arm()

    def _take(self, doorbell: Doorbell) -> None:
        """Wait until there is something to take, and take it: what was announced first, then what a look finds."""
        with self._bell:
            if not (self._ready or self._look):
                self._bell.wait(_LOOK_EVERY)
        if self._full():
            with self._bell:
                self._bell.wait(_FULL_PAUSE)
            return
        with self._bell:
            names = list(islice(self._ready, _AT_ONCE))
            for name in names:
                del self._ready[name]
            look = not names and (self._look or time.monotonic() - self._looked >= _LOOK_EVERY)
            self._look = self._look and not look
        if look:
            self._looked = time.monotonic()
            self._watch(doorbell)
        found = claim(
            self._layout,
            names,
            settle=self._orders.settle,
            now=time.time_ns() // 1_000_000,
            limit=_AT_ONCE,
            new_ulid=self._new_ulid,
            scan=look,
        )
        with self._bell:
            self._ready.update(dict.fromkeys(found.waiting))
        if found.taken:
            crash.at("intake.claimed")
        for stuck in found.stuck:
            if stuck.name not in self._stuck:
                self._stuck.add(stuck.name)
                self._tell("intake.stuck", "error", file=shown(stuck.name), reason=stuck.reason)
        self._read(found.taken)

    def _read(self, claims: Iterable[Claim]) -> None:
        ready: list[bytes] = []
        size = 0
        for claimed in claims:
            try:
                # Whatever one file does is done to it alone: what it asks for is put into words in here.
                words = encode(self._arrival(claimed))
            except FileNotFoundError:
                continue
            except TaskFileError as refusal:
                self._refuse(claimed, refusal)
            except ProtocolError:
                bulky = Problem(file=claimed.shown, message="asks for more than can be passed on: attach less")
                self._refuse(claimed, TaskFileError("size", bulky))
            except OSError as error:
                self._tell("intake.fault", "error", file=claimed.shown, reason=_word(error))
            except Exception as error:  # noqa: BLE001 - one file must never keep the others out
                what = f"cannot be read: a bug, {type(error).__name__}; please report it"
                self._refuse(claimed, TaskFileError("internal", Problem(file=claimed.shown, message=what)))
            else:
                self._claims[claimed.ulid] = (claimed, len(words))
                self._under_way += len(words)
                ready.append(words)
                size += len(words)
            if size >= _SAID_AT_ONCE:
                self._line.send(b"".join(ready))
                ready, size = [], 0
                while self._under_way >= _MOST_BYTES_UNDER_WAY:
                    with self._bell:
                        self._bell.wait(_FULL_PAUSE)
        if ready:
            self._line.send(b"".join(ready))
            crash.at("intake.passed_on")

    def _arrival(self, claimed: Claim) -> Arrived:
        drop = read_claim(self._layout, claimed, self._limits)
        actor, groups = self._owners.known(drop.owner)
        tasks = new_tasks(drop, self._orders, self._detector.scan_texts)
        arrived = Arrived(claim=claimed.ulid, name=claimed.shown, tasks=tasks, groups=groups, actor=actor)
        return arrived if drop.giver is None else replace(arrived, actor=drop.giver.actor, source=drop.giver.source)

    def _refuse(self, claimed: Claim, refusal: TaskFileError) -> None:
        try:
            reject(self._layout, claimed, refusal.as_json())
        except OSError as error:
            self._tell("intake.stuck", "error", file=claimed.shown, reason=_word(error))
            return
        # The message may name keys that somebody wrote: it stands in rejected/, not in the journal.
        where: dict[str, Any] = {"line": refusal.problem.line} if refusal.problem.line is not None else {}
        if refusal.kind == "policy":
            where["reason"] = refusal.problem.message
        self._tell("task.rejected", "warning", file=claimed.shown, error_class=refusal.kind, **where)

    def _full(self) -> bool:
        """Whether no more can be taken now; a long pause is told once when it begins and once when it ends."""
        reason = self._paused
        if reason is None and psutil.disk_usage(self._orders.home).free < self._orders.min_free_disk:
            reason = "the disk is nearly full"
        if reason != self._told_pause:
            if reason is None:
                self._tell("intake.resumed", "info")
            else:
                self._tell("intake.paused", "warning", reason=reason)
            self._told_pause = reason
        return reason is not None or len(self._claims) >= _MOST_UNDER_WAY

    def _try(self, act: Callable[[], object]) -> None:
        """A fault of the disk or of the folder is told, and tried again a little later."""
        try:
            act()
        except OSError as error:
            self._tell("intake.fault", "error", reason=_word(error))
            time.sleep(_FAULT_PAUSE)
            self._ring(None)

    def _tell(self, event: str, level: str, **fields: Any) -> None:
        self._line.say([Told(event=event, level=level, fields=fields)])

    def _new_ulid(self) -> str:
        now = time.time_ns() // 1_000_000
        self._last_ulid = following(self._last_ulid, now, os.urandom(ENTROPY_BYTES))
        return self._last_ulid


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
