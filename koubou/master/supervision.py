"""Looks after the crew once a second: who hangs is ended, who has worked long or grown large is replaced."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from koubou.journal import Journal
from koubou.leash.tree import look
from koubou.master.crew import BEAT_EVERY, Crew
from koubou.master.member import Member
from koubou.model.instant import SECOND

_LAST_WORDS_WITHIN = 5.0
_LEAST_PATIENCE = 3 * BEAT_EVERY / SECOND
_MEMORY_READ_EVERY = 5.0
_JITTER = 0.2


class Supervision:
    """`chance` spreads the replacements, so that a crew that was hired together does not leave together."""

    def __init__(self, crew: Crew, journal: Journal, *, chance: Callable[[], float]) -> None:
        self._crew = crew
        self._journal = journal
        self._chance = chance
        self._memory_read = 0.0

    def look(self) -> None:
        """Once a second."""
        now = asyncio.get_running_loop().time()
        for member in list(self._crew.members.values()):
            self._end_if_hanging(member, now)
        self._replace(now)

    def _end_if_hanging(self, member: Member, now: float) -> None:
        """One that lives and does not beat is asked for its stack by SIGABRT, and killed if that does not end it."""
        if member.hung_at is not None:
            if now - member.hung_at >= _LAST_WORDS_WITHIN:
                member.child.signal(signal.SIGKILL)
        elif now - member.last_beat >= max(self._crew.workshop.workers.hang_after, _LEAST_PATIENCE):
            member.hung_at = now
            reason = f"no beat for {now - member.last_beat:.0f} s"
            self._journal.say(
                "worker.hanging", "error", worker=member.identity.id, tier=member.tier.name, reason=reason
            )
            member.child.signal(signal.SIGABRT)

    def _replace(self, now: float) -> None:
        settings = self._crew.workshop.workers
        read_memory = settings.max_memory is not None and now - self._memory_read >= _MEMORY_READ_EVERY
        if read_memory:
            self._memory_read = now
        for member in self._crew.members.values():
            if member.leaving or not member.ready:
                continue
            if member.patience is None:
                member.patience = 1 - _JITTER / 2 + _JITTER * self._chance()
            reason = None
            if settings.max_runs is not None and member.runs >= settings.max_runs * member.patience:
                reason = f"it has done {member.runs} runs"
            elif (
                read_memory and (grown := memory_of(member.identity.pid)) > (settings.max_memory or 0) * member.patience
            ):
                reason = f"it has grown to {grown >> 20} MB"
            if reason is not None:
                self._journal.say("worker.replaced", worker=member.identity.id, tier=member.tier.name, reason=reason)
                member.retire()


def memory_of(pid: int) -> int:
    """The resident memory of a process in bytes; 0 when it is gone, or when nobody can tell now."""
    process = look(pid)
    return process.rss if process is not None else 0
