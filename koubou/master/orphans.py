"""Whoever is left when a worker and a leash have been ended: the master inherits them, and ends them.

A worker ends what its killed leashes leave, and a leash ends its tree when its worker is killed. What is left when both
are comes to the next subreaper above, and that is the master. When the master is killed too, a later one finds what
carries the mark of its workshop; a control group of systemd's holds the rest.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from koubou.journal import Journal
from koubou.leash import tree
from koubou.leash.adopted import adopted, end_adopted
from koubou.leash.mark import of_worker, of_workshop
from koubou.leash.tree import Process
from koubou.master.children import Children

_GRACE = 1.0
"""Seconds for a leash that has lost its worker to end its tree by itself; it takes about ten milliseconds."""
_INIT = 1


class Orphans:
    """Knows `children` that the master started from those that came to it. For a process that is a subreaper."""

    def __init__(self, home: str, journal: Journal, children: Children) -> None:
        self._home = home
        self._children = children
        self._journal = journal
        # What a shell had started before it became us by exec is no concern of ours.
        self._strangers = {(child.pid, child.born) for child in adopted(lambda _: False)}
        self._under_way: set[asyncio.Task[None]] = set()

    async def end_old(self) -> None:
        """At the start, when nobody works yet: end whatever an earlier crew has left."""
        await self._end(of_workshop(self._home), worker="")

    def end(self, worker: str, then: Callable[[], None]) -> None:
        """This worker has ended: end whatever it has left, `then` account for its runs. No run is tried again beside
        the remains of its last try."""

        def over(task: asyncio.Task[None]) -> None:
            self._under_way.discard(task)
            if not task.cancelled():  # the master has left; the next one accounts for them
                then()

        task = asyncio.get_running_loop().create_task(self._end(of_worker(self._home, worker), worker))
        self._under_way.add(task)
        task.add_done_callback(over)

    @property
    def busy(self) -> bool:
        """Whether somebody has ended and is not accounted for yet."""
        return bool(self._under_way)

    def reap(self) -> None:
        """Once a second: take away who came to us and has ended since."""
        zombies = adopted(lambda child: child.alive or child in self._children)
        tree.reap(zombies, spare=lambda _: False)

    async def _end(self, ending: bytes, worker: str) -> None:
        left = await end_adopted(self._is_ours, ending, grace=_GRACE, reaps=False)
        if left:
            reason = "processes of a run cannot be ended: the kernel holds them"
            names = sorted({process.name for process in left})
            self._journal.say("worker.stuck", "error", worker=worker, reason=reason, processes=names)

    def _is_ours(self, child: Process) -> bool:
        """Whether the master has started it, or has it from who was in its place before. As the first process of a
        container it is everybody's foster parent: there only the mark counts."""
        return os.getpid() == _INIT or (child.pid, child.born) in self._strangers or child in self._children
