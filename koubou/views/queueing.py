"""What explain says of a task's turn: how urgent it is and why, who comes first, who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from koubou.board.reading import Reading
from koubou.errors import SettingsError
from koubou.model.instant import SECOND, Instant, instant, iso
from koubou.model.status import ENDS, Park, ParkReason, Status, Waiting
from koubou.model.task import Task
from koubou.rules.priority import RIPE, STEP, effective, ripe_at
from koubou.rules.wait import estimated_wait
from koubou.views import words
from koubou.views.workshop import Workshop

_RUNS_LOOKED_AT = 50
_LINKS_AT_MOST = 20
_LOCKS_AT_MOST = 10
_SOMEBODY = "a task of somebody else"


class Link(Struct, frozen=True, kw_only=True):
    """One step of a chain: `task` waits for `other`, because it needs it or wants `lock`; and how that one stands."""

    task: str
    other: str
    lock: str | None
    held: bool
    stands: str

    def told(self, first: str) -> str:
        """The link in a sentence; `first` is the task that is asked about."""
        who = "it" if self.task == first else self.task
        if self.lock is None:
            return f"{who} needs {self.other}, which {self.stands}"
        why = "which has it and" if self.held else "which comes first for it and"
        return f'{who} wants the lock "{self.lock}" after {self.other}, {why} {self.stands}'


def queue_shape(workshop: Workshop, board: Reading, task: Task, opens: Instant | None) -> dict[str, int | None] | None:
    """How many come first and about how long that takes; None for who is not in the queue of a tier.

    `opens` is when the tier may be asked next (`opens_at`).
    """
    if task.waiting is not Waiting.ADMIT or task.park is not None or task.tier is None:
        return None
    ahead = board.queue.ahead(task)
    wait = estimated_wait(
        ahead=ahead,
        places=workshop.places.get(task.tier, 0),
        running=board.running().get(task.tier, 0),
        durations=board.queue.durations(task.tier, _RUNS_LOOKED_AT),
        per_minute=_per_minute(workshop, task.tier),
        opens_in=max(0, opens - words.now()) if opens is not None else 0,
    )
    seconds = None if wait is None else round(wait / SECOND)
    return {"position": ahead + 1, "ahead": ahead, "estimated_wait_s": seconds}


def opens_at(said: Mapping[str, Any], tier: str | None) -> Instant | None:
    """When a tier's rate, or its provider, lets the next call through; None where it may go now, or nobody knows.

    `said` is what the master told of himself.
    """
    told = said.get("tiers", {}).get(tier, {}).get("opens_at")
    return None if told is None else instant(datetime.fromisoformat(told))


def park_of_rate(tier: str | None, opens: Instant | None) -> Park | None:
    """What keeps a task waiting that is in the queue of a tier which may not be asked before `opens`."""
    if opens is None:
        return None
    detail = f"the rate of {tier}, or its provider, lets the next call through then"
    return Park(reason=ParkReason.RATE, detail=detail, until=opens)


def priority_shape(board: Reading, task: Task, now: Instant) -> dict[str, Any] | None:
    """How urgent a task is now and what made it so; None for one that waits for nothing."""
    if task.outcome is not None or task.status in ENDS or task.waiting is Waiting.RUN:
        return None
    own = ripe_at(task.waiting_since, task.priority, half_used=task.half_used)
    urged = board.queue.urged_by(task) if task.ripe_at < own else None
    return {
        "own": task.priority,
        "effective": round(max(0.0, effective(task.ripe_at, now)), 2),
        "waiting_since": iso(task.waiting_since),
        "half_used": task.half_used,
        "raised_by": urged[0] if urged else None,
    }


def urgency(board: Reading, task: Task) -> Iterator[str]:
    """The same in a sentence."""
    now = words.now()
    shape = priority_shape(board, task, now)
    if shape is not None:
        yield _urgency_told(shape, task, now)


def links(board: Reading, task: Task, sees: Callable[[Task], bool] = lambda _: True) -> list[Link]:
    """Who waits for whom, from a task to those who wait for nobody; so many links at most.

    Of whom the onlooker does not see it is only said that there is somebody.
    """
    found: list[Link] = []
    todo, seen = [task], {task.id}
    for each in todo:
        for link, other in _links_of(board, each):
            if len(found) == _LINKS_AT_MOST:
                return found
            if other is not None and not sees(other):
                found.append(replace(link, other=_SOMEBODY, stands="is not yours to see"))
                continue
            found.append(link)
            if other is not None and other.id not in seen:
                seen.add(other.id)
                todo.append(other)
    return found


def _urgency_told(shape: Mapping[str, Any], task: Task, now: Instant) -> str:
    waited = now - task.waiting_since
    parts = [f"{shape['own']} of its own"]
    if waited >= 0:
        most = max(0, RIPE - shape["own"] + bool(shape["half_used"]))  # who is ripe does not ripen further
        parts.append(f"{min(waited / STEP, most):.1f} for {words.lasting(waited)} of waiting")
    else:
        parts.append(f"its waiting counts from {shape['waiting_since']} on")
    if shape["half_used"]:
        parts.append("1 less, for more than half of its budget is used")
    if shape["raised_by"]:
        parts.append(f"raised by {shape['raised_by']}, which waits for it")
    return f"its priority is {shape['effective']:.1f} now (at most 10): {', '.join(parts)}"


def _links_of(board: Reading, task: Task) -> Iterator[tuple[Link, Task | None]]:
    if task.park is None or task.park.reason is not ParkReason.DEPENDENCY:
        return
    if task.waiting is not Waiting.ADMIT:
        for need in board.needs(task):
            if need.status is not Status.COMPLETED:
                other = board.task(need.id)
                yield Link(task=task.id, other=need.id, lock=None, held=False, stands=_stands(other)), other
        return
    for lock in board.queue.of_locks(task, _LOCKS_AT_MOST):
        name = lock.holder or lock.before
        if name is not None:
            other = board.task(name)
            held = lock.holder is not None
            yield Link(task=task.id, other=name, lock=lock.name, held=held, stands=_stands(other)), other


def _stands(task: Task | None) -> str:
    if task is None:
        return "nobody has dropped yet"
    if task.status in ENDS:
        return f"is {task.status}"
    if task.park is not None:
        until = "" if task.park.until is None else f", until {iso(task.park.until)}"
        return f"is parked ({task.park.reason}: {words.one_line(task.park.detail)}{until})"
    match task.waiting:
        case Waiting.ADMIT:
            return f"waits for a place in {task.tier}"
        case Waiting.RUN:
            return f"is at work in {task.tier}"
        case Waiting.FILE:
            return f"has ended ({task.outcome}) and is being filed"
    return "waits to be given a tier"


def _per_minute(workshop: Workshop, tier: str) -> int | None:
    try:
        found = workshop.settings.tiers.get(tier)
    except SettingsError:
        return None
    return None if found is None else found.rate.requests_per_minute
