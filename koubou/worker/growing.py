"""The growing answer of one run: kept in memory for the record, and written as it comes so that it can be followed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from koubou.model.agent import Deeds, Work
from koubou.model.instant import Instant
from koubou.model.policy import OPEN, Policy
from koubou.wire.record import ANSWER

LONGEST = 32 * 1024 * 1024
"""Characters of one answer; no model's output comes near, a server that never stops does."""


class AnswerTooLong(Exception):
    """The server does not stop talking."""


class GrowingAnswer:
    """The sink of one run. What goes wrong with the file to follow is no reason to lose an answer that is paid for."""

    def __init__(
        self,
        folder: str,
        mark: str,
        *,
        task: str = "",
        run: int = 0,
        work: Work | None = None,
        policy: Policy = OPEN,
        rules: str | None = None,
        noted: Callable[[str | None, Deeds], None] = lambda _session, _deeds: None,
    ) -> None:
        self.folder = folder
        self.mark = mark
        self.task = task
        self.run = run
        self.work = work
        self.policy = policy
        self.rules = rules
        self._noted = noted
        self.was_sent = False
        self.first_at: Instant | None = None
        self._path = os.path.join(folder, ANSWER)
        self._descriptor: int | None = None
        self._parts: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        """All of it, as text that UTF-8 can say: halves of a character are joined, or replaced where one is missing."""
        text = "".join(self._parts)
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def sent(self) -> None:
        self.was_sent = True

    def noted(self, session: str | None, deeds: Deeds) -> None:
        self._noted(session, deeds)

    def write(self, text: str) -> None:
        if not text:
            return
        self._length += len(text)
        if self._length > LONGEST:
            raise AnswerTooLong
        self._parts.append(text)
        with contextlib.suppress(OSError):
            if self.first_at is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
                self.first_at = time.time_ns() // 1_000_000
                self._descriptor = os.open(self._path, flags, 0o600)
            if self._descriptor is not None:
                os.write(self._descriptor, text.encode("utf-8", "replace"))

    def close(self) -> None:
        """No more will come."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
