"""What has happened since the master began, counted from what the journal is told; asked for by its `state`.

The journal hears of everything once, after the commit, in categories and numbers: no other place has to count. In
memory alone, so that it costs a microsecond an event and no write.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from koubou.errors import BoardUnavailable
from koubou.journal import Journal
from koubou.master.workshop import Workshop
from koubou.model import figures as of
from koubou.model.figures import Figure
from koubou.model.instant import SECOND
from koubou.model.money import usd

NONE = "none"
"""The label of what has no tier, or no class."""
OTHER = "other"
_MOST = 1_000
"""Sets of labels of one figure. There are far fewer; what is beyond them counts together, so that memory is bounded."""

_TOKENS = ("input", "cached_input", "cache_write", "output", "reasoning")


class Spread:
    """How values are spread over buckets; the last one is without a bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Figures:
    """Counts what a journal is told, and the turns that are taken within `turn`."""

    def __init__(
        self, journal: Journal, workshop: Callable[[], Workshop], *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._journal = journal
        self._workshop = workshop
        self._clock = clock
        self._counts: dict[str, dict[tuple[str, ...], float]] = {}
        self._spreads: dict[str, dict[tuple[str, ...], Spread]] = {}
        self._turned = clock()
        self._intake_paused: str | None = None
        self._board_fault: str | None = None
        journal.listen(self.told)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn is taken within; one that the board did not bear counts too, and is told until the next."""
        began = self._clock()
        try:
            yield
            self._board_fault = None
        except BoardUnavailable as error:
            self._board_fault = str(error)
            raise
        finally:
            self._turned = self._clock()
            self._spread(of.TURN, self._turned - began)

    def shape(self) -> Mapping[str, Any]:
        """What is added to the `state`: what was counted, with each figure's labels in their order."""
        return {
            "intake_paused": self._intake_paused,
            "board_fault": self._board_fault,
            "turned_ms_ago": round((self._clock() - self._turned) * SECOND),
            "journal_dropped": self._journal.dropped,
            "disk": _disk(self._workshop()),
            "counts": {name: [[list(labels), n] for labels, n in kept.items()] for name, kept in self._counts.items()},
            "spreads": {
                name: [[list(labels), each.counts, each.sum] for labels, each in kept.items()]
                for name, kept in self._spreads.items()
            },
        }

    def told(self, event: str, fields: Mapping[str, Any]) -> None:
        """An event of the journal. Never raises: what is not as expected is not counted."""
        self._count(of.EVENTS, event)
        match event:
            case "task.admitted":
                self._time(of.WAIT, fields, "waited_ms", "tier")
            case "task.classified" if "sensitivity" in fields:
                self._count(of.CLASSIFIED, *_words(fields, "sensitivity", "difficulty"))
            case "task.retried":
                self._count(of.RETRIES, *_words(fields, "tier", "error_class"))
            case "task.completed" | "task.failed" | "task.cancelled":
                self._count(of.TASKS_ENDED, event.partition(".")[2], *_words(fields, "tier", "type"))
                self._time(of.TASK, fields, "wall_ms", "tier")
            case "run.ended":
                self._count(of.RUNS_ENDED, *_words(fields, "tier", "executor", "outcome"))
                self._time(of.RUN, fields, "run_ms", "tier", "executor")
                self._time(of.FIRST_TOKEN, fields, "first_token_ms", "tier")
            case "call.settled" | "call.unreconciled" | "call.released":
                self._call(event.partition(".")[2], fields)
            case "intake.paused":
                self._intake_paused = str(fields.get("reason"))
            case "intake.resumed":
                self._intake_paused = None
            case "hand.lost" if fields.get("hand") == "intake":
                self._intake_paused = None  # the next one says so anew

    def _call(self, outcome: str, fields: Mapping[str, Any]) -> None:
        (tier,) = _words(fields, "tier")
        self._count(of.CALLS, tier, outcome)
        self._count(of.SPENT, tier, by=usd(_number(fields, "nusd") or 0))
        for kind in _TOKENS:
            if tokens := _number(fields, f"{kind}_tokens"):
                self._count(of.TOKENS, tier, kind, by=tokens)

    def _count(self, figure: Figure, *labels: str, by: float = 1) -> None:
        kept = self._counts.setdefault(figure.name, {})
        key = _bounded(kept, labels)
        kept[key] = kept.get(key, 0) + by

    def _time(self, figure: Figure, fields: Mapping[str, Any], milliseconds: str, *labels: str) -> None:
        if (passed := _number(fields, milliseconds)) is not None:
            self._spread(figure, passed / SECOND, *_words(fields, *labels))

    def _spread(self, figure: Figure, value: float, *labels: str) -> None:
        kept = self._spreads.setdefault(figure.name, {})
        key = _bounded(kept, labels)
        if key not in kept:
            kept[key] = Spread(figure.buckets)
        kept[key].add(value)


def _disk(workshop: Workshop) -> Mapping[str, int] | None:
    """How much is free where the workshop is, and below what nothing is taken in, in bytes; None where nobody knows."""
    try:
        found = os.statvfs(workshop.layout.home)
    except OSError:
        return None
    return {"free": found.f_bavail * found.f_frsize, "least": workshop.intake.min_free_disk}


def _bounded(kept: Mapping[tuple[str, ...], object], labels: tuple[str, ...]) -> tuple[str, ...]:
    return labels if labels in kept or len(kept) < _MOST else tuple(OTHER for _ in labels)


def _words(fields: Mapping[str, Any], *names: str) -> list[str]:
    return [str(fields.get(name) or NONE) for name in names]


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    """A whole number that is not below zero; a clock that was set back can make one that is."""
    found = fields.get(name)
    return found if isinstance(found, int) and found >= 0 else None
