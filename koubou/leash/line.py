"""The leash's end of the line: hears what is told, waits for whatever comes, never blocks on a parent that hangs."""

from __future__ import annotations

import os
import select
import signal

from koubou.leash.words import BadWords, Lines, line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PIECE = 64 * 1024


class Line:
    """`parent_gone`: the parent has hung up; `told_to_end`: SIGTERM came; `ends` are its words, oldest first.

    The wire is a socket by its bare descriptor: the module for sockets takes 6 ms to import.
    """

    def __init__(self, wire: int, *, wakeup: int) -> None:
        self.parent_gone = False
        self.told_to_end = False
        self.ends: list[dict[str, Any]] = []
        self._wire = wire
        self._wakeup = wakeup
        self._lines = Lines()
        self._out = b""
        os.set_blocking(wire, False)

    @property
    def idle(self) -> bool:
        """Whether everything that was said has been taken."""
        return not self._out

    def orders(self) -> dict[str, Any] | None:
        """What is to be done; None where the parent goes, or ends us, before it says so."""
        while not self.parent_gone and not self.told_to_end:
            self.wait(None, ())
            if self.ends:
                return self.ends.pop(0)
        return None

    def say(self, kind: str, **members: object) -> None:
        """Say it as soon as the parent takes it."""
        self._out += line(kind, **members)
        self._send()

    def wait(self, patience: float | None, others: tuple[int, ...]) -> None:
        """Wait until anything happens here or on the other descriptors, at most so many seconds."""
        poll = select.poll()
        for descriptor in (self._wakeup, *others):
            poll.register(descriptor, select.POLLIN)
        if not self.parent_gone:
            poll.register(self._wire, select.POLLIN | (select.POLLOUT if self._out else 0))
        ready = dict(poll.poll(None if patience is None else max(0, int(patience * 1000) + 1)))
        if self._wakeup in ready:
            self.told_to_end = self.told_to_end or signal.SIGTERM in os.read(self._wakeup, _PIECE)
        if ready.get(self._wire, 0) & ~select.POLLOUT:
            self._hear()
        self._send()

    def _hear(self) -> None:
        try:
            data = os.read(self._wire, _PIECE)
            self.ends += self._lines.feed(data)
        except BlockingIOError:
            return
        except (OSError, BadWords):
            data = b""
        if not data:
            self.parent_gone = True

    def _send(self) -> None:
        try:
            while self._out and not self.parent_gone:
                self._out = self._out[os.write(self._wire, self._out) :]
        except BlockingIOError:
            pass
        except OSError:
            self.parent_gone = True
