"""One worker as the master sees it: a child, the tier it serves, and what it has said of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from koubou.backends.opening import modules_of
from koubou.errors import ProtocolError
from koubou.master.child import Child, boot_id, start_time
from koubou.master.children import Children
from koubou.model.tier import Tier
from koubou.model.worker import WorkerIdentity
from koubou.wire.framing import FROM_WORKER
from koubou.wire.messages import Beat, Finished, FromWorker, Hello, Ready, Retire, Unable, Welcome


class Member:
    """A worker of the crew. `heard` gets what it says of runs; `gone` is called once when its process has ended."""

    def __init__(self, name: str, tier: Tier, welcome: Welcome, child: Child) -> None:
        self.identity = WorkerIdentity(
            id=name, tier=tier.name, pid=child.pid, born=start_time(child.pid) or 0, boot=boot_id()
        )
        self.tier = tier
        self.child = child
        self.ready = False
        self.leaving = False
        self.hung_at: float | None = None
        self.runs = 0
        self.patience: float | None = None
        self.unable: Unable | None = None
        self.running = 0
        self.idle_since: float | None = None
        self.last_beat = asyncio.get_running_loop().time()  # its start counts
        self._welcome = welcome

    @classmethod
    async def start(
        cls,
        name: str,
        tier: Tier,
        welcome: Welcome,
        *,
        children: Children,
        heard: Callable[[FromWorker], None],
        gone: Callable[[Member, int], None],
    ) -> Member:
        """Start a worker for a tier. Raises OSError when the machine cannot."""
        early: list[FromWorker] = []
        member: Member | None = None

        def hear(message: FromWorker) -> None:
            if member is None:
                early.append(message)
                return
            member.take(message)
            heard(message)

        def end(status: int) -> None:
            assert member is not None  # noqa: S101 - a child's end is told in a later turn of the loop than its start
            gone(member, status)

        child = await Child.start(
            "koubou.worker",
            (),
            (name,),
            FROM_WORKER,
            children=children,
            heard=hear,
            gone=end,
            load=modules_of(tier),
        )
        member = cls(name, tier, welcome, child)
        for message in early:
            hear(message)
        return member

    def retire(self) -> None:
        """Ask it to finish what it has and go."""
        if not self.leaving:
            self.leaving = True
            with suppress(ProtocolError):
                self.child.say(Retire())

    def take(self, message: FromWorker) -> None:
        """Note what it says of itself."""
        self.last_beat = asyncio.get_running_loop().time()
        match message:
            case Hello():
                self.child.say(self._welcome)
            case Ready():
                self.ready = True
                self.idle_since = self.last_beat
            case Beat(running=running):
                self.running = running
            case Finished():
                self.runs += 1
            case Unable():
                self.unable = message
