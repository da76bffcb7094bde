"""One of the master's hands: a child that is started again whenever it ends, until it is no longer needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from koubou.errors import ProtocolError
from koubou.journal import Journal
from koubou.master.child import Child
from koubou.master.children import Children
from koubou.wire.framing import FROM_HAND, Message

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
_LIVED_WELL = 10.0


class Hand:
    """`heard` gets each message; `began` is called whenever it was started, to give it its orders anew."""

    def __init__(
        self,
        name: str,
        journal: Journal,
        children: Children,
        *,
        heard: Callable[[Any], None],
        began: Callable[[], None],
    ) -> None:
        self._name = name
        self._journal = journal
        self._children = children
        self._heard = heard
        self._began = began
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    def start(self) -> None:
        """Begin to keep it alive."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def say(self, message: Message) -> bool:
        """Tell it something; False when it is not there or the message is too long: what was owed stays owed."""
        if self._child is None:
            return False
        try:
            self._child.say(message)
        except ProtocolError as error:
            self._journal.say("hand.fault", "error", hand=self._name, reason=str(error))
            return False
        return True

    async def stop(self, patience: float) -> None:
        """Let it finish what it has, for so many seconds."""
        keeping, self._keeping = self._keeping, None
        if keeping is None:
            return
        child = self._child
        if child is not None:
            child.hang_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), patience)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT
        while True:
            began = loop.time()
            try:
                ended: asyncio.Future[int] = loop.create_future()
                child = await Child.start(
                    "koubou.hands",
                    (self._name,),
                    (),
                    FROM_HAND,
                    children=self._children,
                    heard=self._heard,
                    gone=partial(_tell, ended),
                )
            except OSError as error:
                self._journal.say("hand.lost", "error", hand=self._name, reason=f"cannot be started: {error}")
            else:
                self._child = child
                self._began()
                status = await ended
                self._child = None
                if self._keeping is None:
                    self._over.set()
                    return
                reason = f"it ended with status {status}"
                stack = {"stack": child.last_words} if child.last_words else {}
                self._journal.say("hand.lost", "error", hand=self._name, reason=reason, **stack)
            wait = _FIRST_WAIT if loop.time() - began > _LIVED_WELL else min(wait * 2, _LONGEST_WAIT)
            await asyncio.sleep(wait)


def _tell(ended: asyncio.Future[int], status: int) -> None:
    if not ended.done():
        ended.set_result(status)
