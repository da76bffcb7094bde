"""Word for systemd (sd_notify(3)): ready, alive, reloading, draining, how it stands; silent where nobody listens."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

STATUS_EVERY = 3.0
"""Seconds between two words on how it stands, at least."""
_PATIENCE_ASKED = 20.0
_ASKED_EVERY = 2.0
"""While it starts or drains it asks for so much more time, so often: one that hangs meanwhile is soon found out."""
_PINGS_IN_TIME = 4
_LONGEST_STATUS = 400


class Notifier:
    """Says READY, STATUS, WATCHDOG, STOPPING … to the service manager."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environ.get("WATCHDOG_USEC", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdecimal() and mine else None

    @property
    def heard(self) -> bool:
        """Whether a service manager listens."""
        return bool(self._address)

    def say(self, *words: str) -> bool:
        """Send assignments such as `READY=1`; whether they were taken. Who does not listen is no reason to stop."""
        if not self._address:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto("\n".join(words).encode(), self._address)
            return True
        return False


class Herald:
    """What the master's life is in the words of the service manager. `figures` says in a few words how it stands."""

    def __init__(
        self, notifier: Notifier, figures: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notifier = notifier
        self._figures = figures
        self._clock = clock
        self._ping_every = min(1.0, (notifier.watchdog_seconds or _PINGS_IN_TIME) / _PINGS_IN_TIME)
        self._pinged = self._told_at = self._asked_at = float("-inf")
        self._told = ""
        self._trouble = ""
        self._refused = ""
        self._serving = self._leaving = False

    def starting(self, what: str) -> None:
        """Before something that may take long, such as a migration."""
        self._notifier.say(f"STATUS={what}", _more_time())

    def ready(self) -> None:
        """It can work from now on."""
        self._serving = True
        self._told, self._told_at = self._status(), self._clock()
        self._notifier.say("READY=1", f"STATUS={self._told}")

    def turned(self, trouble: str = "") -> None:
        """After every turn, and only there: whoever hangs must fall silent. `trouble` = why it could not write."""
        if not self._notifier.heard:
            return
        now = self._clock()
        self._trouble = trouble
        if now - self._pinged >= self._ping_every:
            self._pinged = now
            self._notifier.say("WATCHDOG=1")
        if self._leaving and now - self._asked_at >= _ASKED_EVERY:
            self._asked_at = now
            self._notifier.say(_more_time())
        if now - self._told_at >= STATUS_EVERY:
            self._told_at = now
            self._tell()

    def reloading(self) -> None:
        """The settings are being read anew. Before it is ready that is nobody's concern."""
        if not self._serving:
            return
        # Required of Type=notify-reload (systemd 253), harmless before: when the reload began.
        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._notifier.say("RELOADING=1", f"MONOTONIC_USEC={began}")

    def reloaded(self, problems: Sequence[str]) -> None:
        """They are in force, or the old ones still are."""
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self._refused = f"new settings refused: {problems[0]}{more}" if problems else ""
        if self._serving:
            self.ready()

    def draining(self) -> None:
        """It was asked to stop, and lets calls under way finish."""
        self._leaving, self._serving = True, False
        self._asked_at = self._clock()
        self._notifier.say("STOPPING=1", f"STATUS={self._status()}", _more_time())

    def _tell(self) -> None:
        status = self._status()
        if status != self._told and self._notifier.say(f"STATUS={status}"):
            self._told = status

    def _status(self) -> str:
        words = [self._trouble or self._figures(), self._refused]
        text = "; ".join(word for word in words if word)
        return " ".join(f"{'draining: ' if self._leaving else ''}{text}".split())[:_LONGEST_STATUS]


def _more_time() -> str:
    return f"EXTEND_TIMEOUT_USEC={int(_PATIENCE_ASKED * 1e6)}"
