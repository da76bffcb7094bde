"""Holding a command: its bounds while it runs, the end of its whole tree, and the last word when nothing is left."""

from __future__ import annotations

import os
import resource
import signal
import time

from koubou.leash import cgroup, tree
from koubou.leash.capture import Capture
from koubou.leash.child import CannotStart, start
from koubou.leash.line import Line
from koubou.leash.mark import NAME, marked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SAMPLE_EVERY = 0.25
_LOOK_EVERY = 0.02
_KILL_EVERY = 0.005
_STUCK_AFTER = 5.0
_REMAINS = 1.0
"""Seconds of grace for those whom the command has left: they serve nobody any more."""
_NAMED_AT_MOST = 50
_AT_ONCE = ("parent", "memory", "processes", "output", "disk")
"""Ends without grace: nobody is left to hear of it, or the machine suffers."""


class Hold:
    """One run. `why` it ends stands once: whatever comes later does not change the reason."""

    def __init__(self, orders: dict[str, Any], line: Line, *, parent: int) -> None:
        self._orders = orders
        self._limits: dict[str, Any] = orders["limits"]
        self._line = line
        self._parent = parent
        self._why: str | None = None
        self._began = self._last_output = time.monotonic()
        self._sampled = self._began
        self._end_by: float | None = None
        self._kill_at = 0.0
        self._told_others: set[tuple[int, int]] = set()
        self._killed: dict[tuple[int, int], str] = {}
        self._peak = 0
        self._stuck = False
        self._root = 0
        self._pidfd = -1
        self._status = 0
        self._group: str | None = None
        self._captures: tuple[Capture, ...] = ()

    def until_over(self) -> None:
        """Start the command, hold it, and come back when nothing of it lives and the parent knows, or has gone."""
        try:
            self._start()
        except (CannotStart, OSError) as error:
            self._say_over("not_started", message=str(error))
        else:
            while not self._turn():
                pass
            self._say_over(self._why or "exited", "; ".join(each.message for each in self._captures if each.message))
        while not (self._line.idle or self._line.parent_gone):
            self._line.wait(None, ())

    def _start(self) -> None:
        orders = self._orders
        if orders["cgroup"] is not None:
            self._group = orders["cgroup"] = cgroup.make(orders["cgroup"], os.getpid())
        out = Capture(orders["stdout"], self._limits["output"])
        errors = Capture(orders["stderr"], self._limits["errors"])
        self._captures = (out, errors)
        self._root = start(orders, out.pipe, errors.pipe)
        for capture in self._captures:
            capture.started()
        self._pidfd = os.pidfd_open(self._root)
        self._line.say("started", pid=self._root)

    # While it runs

    def _turn(self) -> bool:
        """Wait for something and deal with it; True when nothing is left."""
        open_pipes = tuple(capture.reading for capture in self._captures if capture.open)
        ended = self._root_ended()
        self._line.wait(self._patience(), open_pipes if ended else (*open_pipes, self._pidfd))
        self._take_output()
        now = time.monotonic()
        if self._why is None:
            self._hear(now)
            self._check(now)
        elif self._line.parent_gone or self._line.told_to_end or self._line.ends:
            self._hurry(now)
        return self._why is not None and self._end(now)

    def _patience(self) -> float:
        now = time.monotonic()
        if self._why is not None:
            return _KILL_EVERY if now >= self._kill_at else min(_LOOK_EVERY, self._kill_at - now)
        moments = [self._sampled + _SAMPLE_EVERY]
        if self._limits["wall"] is not None:
            moments.append(self._began + self._limits["wall"] / 1000)
        if self._limits["idle"] is not None:
            moments.append(self._last_output + self._limits["idle"] / 1000)
        if self._end_by is not None:
            moments.append(self._end_by)
        return max(0.0, min(moments) - now)

    def _take_output(self) -> None:
        grown = [capture.take() for capture in self._captures if capture.open]
        if any(grown):
            self._last_output = time.monotonic()
            if self._line.idle:
                self._line.say("grown", stdout=self._captures[0].size, stderr=self._captures[1].size)

    def _hear(self, now: float) -> None:
        """What the parent says: end now, or by then."""
        if self._line.parent_gone or self._line.told_to_end:
            gone = self._line.parent_gone or os.getppid() != self._parent
            self._begin_end("parent" if gone else "told", now)
        while self._line.ends and self._why is None:
            word = self._line.ends.pop(0)
            if word["within"]:
                self._end_by = min(self._end_by or now + word["within"] / 1000, now + word["within"] / 1000)
            else:
                self._begin_end("told", now)

    def _check(self, now: float) -> None:
        """Whether it ended by itself or came to a bound."""
        limits = self._limits
        if self._why is not None:
            return
        trouble = next((capture.trouble for capture in self._captures if capture.trouble), None)
        if self._root_ended():
            self._begin_end("exited", now)
        elif trouble is not None:
            self._begin_end(trouble, now)
        elif limits["wall"] is not None and now >= self._began + limits["wall"] / 1000:
            self._begin_end("wall", now)
        elif limits["idle"] is not None and now >= self._last_output + limits["idle"] / 1000:
            self._begin_end("idle", now)
        elif self._end_by is not None and now >= self._end_by:
            self._begin_end("settled", now)
        elif now >= self._sampled + _SAMPLE_EVERY:
            self._sample(now)

    def _sample(self, now: float) -> None:
        self._sampled = now
        below = tree.descendants()
        alive = [process for process in below if process.alive]
        memory = sum(process.rss for process in alive)
        self._peak = max(self._peak, memory)
        tree.reap(below, spare=lambda pid: pid == self._root)
        if self._limits["processes"] is not None and len(alive) > self._limits["processes"]:
            self._begin_end("processes", now)
        elif self._limits["memory"] is not None and memory > self._limits["memory"]:
            self._begin_end("memory", now)

    # Its end

    def _begin_end(self, why: str, now: float) -> None:
        self._why = why
        self._kill_at = now if why in _AT_ONCE else now + self._limits["grace"] / 1000
        if self._kill_at > now and not self._root_ended():
            asked = tree.eldest_below(self._root, self._orders["signal_depth"]) or tree.look(self._root)
            if asked is not None:
                tree.send(asked, self._orders["signal"], signal.SIGCONT)  # one that was stopped must hear it too

    def _hurry(self, now: float) -> None:
        """It is ending already, and the parent has gone or says so again: no more grace."""
        if self._line.parent_gone or self._line.ends or os.getppid() != self._parent:
            self._kill_at = min(self._kill_at, now)
        self._line.ends.clear()

    def _end(self, now: float) -> bool:
        """One step towards an empty tree; True when it is."""
        below = tree.descendants()
        alive = [process for process in below if process.alive]
        tree.reap(below, spare=lambda pid: pid == self._root)
        if not alive and self._nothing_left():
            return True
        if now >= self._kill_at:
            self._kill(now, alive)
        elif self._root_ended():
            self._tell_others(alive, now)
        return False

    def _tell_others(self, alive: list[tree.Process], now: float) -> None:
        """The command has ended; whom it left is asked to end, once each."""
        if not self._told_others:
            self._kill_at = min(self._kill_at, now + _REMAINS)
        for process in alive:
            if (process.pid, process.born) not in self._told_others:
                self._told_others.add((process.pid, process.born))
                tree.send(process, signal.SIGTERM, signal.SIGCONT)

    def _kill(self, now: float, alive: list[tree.Process]) -> None:
        if self._group is not None:
            cgroup.kill(self._group)
        for process in tree.kill_all(alive):
            self._killed.setdefault((process.pid, process.born), process.name)
        if not self._stuck and now >= self._kill_at + _STUCK_AFTER:
            self._stuck = True
            self._line.say("stuck", processes=[process.name for process in alive][:_NAMED_AT_MOST])

    def _nothing_left(self) -> bool:
        """Whether we have no descendants: the walk saw none, the kernel says so, and nobody carries our mark."""
        if not self._root_ended():
            return False
        if self._root:
            self._status = os.waitpid(self._root, 0)[1]
            self._root = 0
        if not tree.reap_everybody():
            return False
        mark = self._orders["environment"].get(NAME)
        escaped = marked(mark.encode()) if mark is not None else []
        for process in tree.kill_all(escaped):
            self._killed.setdefault((process.pid, process.born), process.name)
        return not escaped

    def _root_ended(self) -> bool:
        if not self._root:
            return True
        return os.waitid(os.P_PID, self._root, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _say_over(self, why: str, message: str = "") -> None:
        for capture in self._captures:
            capture.take_the_rest()
        if self._group is not None:
            cgroup.remove(self._group)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        status = os.waitstatus_to_exitcode(self._status) if why != "not_started" else 0
        self._line.say(
            "over",
            why=why,
            message=message,
            status=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            wall=int((time.monotonic() - self._began) * 1000),
            cpu=int((used.ru_utime + used.ru_stime) * 1000),
            peak_rss=max(self._peak, used.ru_maxrss * 1024),
            stdout=self._captures[0].size if self._captures else 0,
            stderr=self._captures[1].size if self._captures else 0,
            killed=sorted(set(self._killed.values()))[:_NAMED_AT_MOST],
        )
