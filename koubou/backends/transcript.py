"""What an agent says while it runs: lines of JSON, read as they come; its deeds are counted and told."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from koubou.backends.port import Sink
from koubou.model.agent import Deeds, Work
from koubou.model.call import CallError
from koubou.rules.agent_events import Seen, too_many, with_deed

_LONGEST_LINE = 32 * 1024 * 1024
_TELL_EVERY = 1.0  # seconds


class TooManyDeeds(Exception):
    """The agent does more than it may; `error` says what of."""

    def __init__(self, error: CallError) -> None:
        self.error = error
        super().__init__(error.message)


class Transcript:
    """Reads the events of one run. The session is told at once, deeds at most once a second and at the end."""

    def __init__(
        self,
        read: Callable[[Mapping[str, Any]], Seen],
        sink: Sink,
        *,
        dangerous: Sequence[re.Pattern[str]],
        dangerous_most: int,
    ) -> None:
        self._read = read
        self._sink = sink
        self._dangerous = dangerous
        self._dangerous_most = dangerous_most
        self._work = sink.work or Work()
        self._rest = bytearray()
        self._skipping = False
        self._keys: set[str] = set()
        self._told: tuple[str | None, Deeds] = (None, Deeds())
        self._told_at = -_TELL_EVERY
        self.session: str | None = None
        self.deeds = Deeds()
        self.text = ""
        self.over = False
        self.error: CallError | None = None

    def take(self, data: bytes) -> bool:
        """What came next; whether the turn is over. Raises TooManyDeeds."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            if not self._skipping:
                self._take_line(bytes(self._rest + line) if self._rest else line)
            self._rest.clear()
            self._skipping = False
        if len(self._rest) + len(rest) > _LONGEST_LINE:
            self._skipping = True
            self._rest.clear()
        elif not self._skipping:
            self._rest += rest
        return self.over

    def finish(self) -> None:
        """No more comes: a last line without its end is read, and what was not yet told is."""
        if self._rest:
            self.take(b"\n")
        self._tell()

    def _take_line(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # no event: a word of warning, or half a line
            return
        if isinstance(event, dict):
            self._take_seen(self._read(event))

    def _take_seen(self, seen: Seen) -> None:
        for deed in seen.deeds:
            if deed.key not in self._keys:
                self._keys.add(deed.key)
                self.deeds = with_deed(self.deeds, deed, self._dangerous)
        if seen.text is not None:
            self.text = seen.text
        if seen.over:
            self.over, self.error = True, seen.error
        if seen.session is not None and seen.session != self.session:
            self.session = seen.session
            self._tell()
        if time.monotonic() - self._told_at >= _TELL_EVERY:
            self._tell()
        if (error := too_many(self.deeds, self._work, self._dangerous_most)) is not None:
            self._tell()
            raise TooManyDeeds(error)

    def _tell(self) -> None:
        if self._told != (self.session, self.deeds):
            self._sink.noted(self.session, self.deeds)
            self._told = (self.session, self.deeds)
            self._told_at = time.monotonic()
