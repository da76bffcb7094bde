"""Both hands together: what they are told, what they say, and what is on its way through them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from koubou.journal import Journal
from koubou.master.children import Children
from koubou.master.hand import Hand
from koubou.model.heard import Arrived, Filed, FilesRemoved
from koubou.model.instant import Instant
from koubou.model.retention import Owed
from koubou.wire.hand_messages import (
    FromHand,
    IntakeOrders,
    NotRemoved,
    NotShelved,
    Pause,
    Prepare,
    Reject,
    Remove,
    Removed,
    Shelve,
    Shelved,
    Sweep,
    Swept,
    Taken,
    Told,
    Watching,
)

_SHELVE_AGAIN = 2.0
_REMOVE_AGAIN = 60.0
_PATIENCE = 5.0


class Hands:
    """`wake` is called when something came, `hear` gets what the next turn must know, `owed` shelves what is owed."""

    def __init__(
        self,
        orders: IntakeOrders,
        journal: Journal,
        children: Children,
        *,
        wake: Callable[[], None],
        hear: Callable[[Filed | FilesRemoved], None],
        owed: Callable[[], None],
    ) -> None:
        self.arrivals: deque[Arrived] = deque()
        self.watching = asyncio.Event()
        self._orders = orders
        self._journal = journal
        self._wake = wake
        self._hear = hear
        self._owed = owed
        self._paused: str | None = None
        self._on_the_way: set[int] = set()
        self._going: set[Owed] = set()
        self._sweeping = False
        self._prepared = False
        self.removals = 0
        self._intake = Hand("intake", journal, children, heard=self._intake_says, began=self._begin_intake)
        self._shelving = Hand("shelving", journal, children, heard=self._shelving_says, began=self._begin_shelving)

    @property
    def busy(self) -> bool:
        """Whether anything is on its way to the board or to a shelf."""
        return bool(self.arrivals or self._on_the_way)

    def start(self) -> None:
        """Begin to keep both alive."""
        self._intake.start()
        self._shelving.start()

    async def stop(self) -> None:
        """Let them finish; whatever is owed then stands on the board or in the folder."""
        await self._intake.stop(_PATIENCE)
        await self._shelving.stop(_PATIENCE)

    def order(self, orders: IntakeOrders) -> None:
        """After a reload: these limits from now on."""
        self._orders = orders
        self._intake.say(orders)

    def pause(self, reason: str | None) -> None:
        """Take nothing more in, for this reason; None = go on."""
        if (reason is None) != (self._paused is None):
            self._intake.say(Pause(reason=reason))
        self._paused = reason

    def taken(self, claims: Sequence[str]) -> None:
        """These claims are on the board: their files can go."""
        self._intake.say(Taken(claims=tuple(claims)))

    def reject(self, claim: str, error: Mapping[str, Any]) -> None:
        """The board will not have this claim."""
        self._intake.say(Reject(claim=claim, error=error))

    def on_the_way(self, task: int) -> bool:
        """Whether a task is on its way to its shelf."""
        return task in self._on_the_way

    def shelve(self, asked: Shelve) -> None:
        """Put a task on its shelf. What cannot be told now stays owed."""
        self._prepare()
        if self._shelving.say(asked):
            self._on_the_way.add(asked.task)

    def remove(self, owed: Owed) -> None:
        """Have files removed. What cannot be told now stays owed."""
        told = Remove(home=self._orders.home, task=owed.task, task_id=owed.task_id, what=owed.what)
        if owed not in self._going and self._shelving.say(told):
            self._going.add(owed)

    def sweep(self, before: Instant, drafts_before: Instant) -> None:
        """Have refused files removed that came before a moment; one sweep at a time."""
        if not self._sweeping:
            sweep = Sweep(home=self._orders.home, before=before, drafts_before=drafts_before)
            self._sweeping = self._shelving.say(sweep)

    def _begin_intake(self) -> None:
        self._intake.say(self._orders)
        if self._paused is not None:
            self._intake.say(Pause(reason=self._paused))

    def _begin_shelving(self) -> None:
        self._on_the_way.clear()
        self._going.clear()
        self._sweeping = False
        self._prepared = False
        self._owed()

    def _intake_says(self, message: FromHand) -> None:
        match message:
            case Watching():
                self.watching.set()
            case Arrived():
                self.arrivals.append(message)
                self._prepare()
                self._wake()
            case Told(event=event, level=level, fields=fields):
                self._journal.say(event, level, **fields)

    def _prepare(self) -> None:
        """By the time the first answer comes the detector is there; at a start it would only be in the way."""
        if not self._prepared:
            self._prepared = self._shelving.say(Prepare(rule_cache=self._orders.rule_cache))

    def _shelving_says(self, message: FromHand) -> None:
        match message:
            case Shelved(task=task, flags=flags):
                self._on_the_way.discard(task)
                self._hear(Filed(task=task, flags=flags))
            case NotShelved(task=task, reason=reason):
                self._journal.say("shelving.fault", "error", reason=reason)
                # It stays owed on the board; housekeeping comes back to it.
                asyncio.get_running_loop().call_later(_SHELVE_AGAIN, self._on_the_way.discard, task)
            case Removed(task=task, what=what, freed=freed):
                self.removals += 1
                self._going = {owed for owed in self._going if (owed.task, owed.what) != (task, what)}
                self._hear(FilesRemoved(task=task, what=what, freed=freed))
            case NotRemoved(task=task, reason=reason):
                self._journal.say("retention.fault", "error", reason=reason)
                asyncio.get_running_loop().call_later(_REMOVE_AGAIN, self._forget_removal, task)
            case Swept():
                self._swept(message)

    def _forget_removal(self, task: int) -> None:
        self._going = {owed for owed in self._going if owed.task != task}

    def _swept(self, swept: Swept) -> None:
        self._sweeping = False
        if swept.reason:
            self._journal.say("retention.fault", "error", reason=f"rejected/: {swept.reason}")
        elif swept.count:
            self._journal.say("retention.removed", rejected=swept.count, bytes=swept.freed)
