"""What goes wrong in the reactor itself, with nobody to hear of it: told in the journal, not by a trace on stderr."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from koubou.journal import Journal

_SAID_AGAIN_AFTER = 10.0
"""Seconds; without descriptors each caller at the door would be told of a hundred times a second."""


class Mishaps:
    """The exception handler of the master's event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._said: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Say it, unless it was said a moment ago."""
        error = context.get("exception")
        # The exception's own words may quote what somebody wrote; those of the system never do.
        words = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        reason = f"{context.get('message', 'something went wrong')}: {words}"
        now = loop.time()
        if now - self._said.get(reason, -_SAID_AGAIN_AFTER) >= _SAID_AGAIN_AFTER:
            self._said[reason] = now
            self._journal.say("system.fault", "error", reason=reason, **_place(error))


def _place(error: object) -> Mapping[str, str]:
    """Where a bug is, so that it can be reported; nothing for what the system said."""
    if not isinstance(error, BaseException) or isinstance(error, OSError) or error.__traceback__ is None:
        return {}
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return {"where": f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"}
