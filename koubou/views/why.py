"""Why tasks do not go on, in sentences: for who looks, and for who waits and would otherwise see nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from koubou.board.waits import Stop, Wait
from koubou.model.instant import SECOND, Milliseconds, iso
from koubou.model.status import Park, Waiting
from koubou.rules.latches import EMERGENCY, ended_by
from koubou.views import words

_SOON: Milliseconds = 10 * SECOND
"""A park that ends so soon is not worth a word: a retry, or a rate."""
_NAMED = 3


def stop_told(stop: Stop) -> str:
    """Who stopped what and why, and what ends it."""
    by = f" by {stop.by}" if stop.by else ""
    why = "" if stop.by and stop.reason == f"asked for by {stop.by}" else f": {stop.reason}"
    return f"{_stopped(stop.latch)}{by} at {iso(stop.at)}{why}; {ended_by(stop.latch)} ends it"


def stop_told_to_others(stop: Stop) -> str:
    """The same for who is not to know by whom and why: that is for those who keep the workshop."""
    return f"{_stopped(stop.latch)} at {iso(stop.at)}; an operator ends it ({ended_by(stop.latch)})"


def wait_told(wait: Wait) -> str:
    """Where a task stands and what it waits for."""
    stopped = "" if wait.stop is None else f"{_stop_of(wait)}; "
    return stopped + stands(wait)


class Changes:
    """Tells of each stop and each park of tasks once, until it is another."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._stops: Collection[str] = ()
        self._parks: dict[str, tuple[object, ...]] = {}

    def look(self, waits: Mapping[str, Wait]) -> None:
        """Tell what is new in how they stand."""
        stops = {wait.stop: _stop_of(wait) for wait in waits.values() if wait.stop is not None}
        for stop, told in stops.items():
            if stop not in self._stops:
                self._tell(told)
        self._stops = stops.keys()
        new: dict[str, list[str]] = {}
        for key, wait in waits.items():
            park = wait.park
            seen = () if park is None or _is_short(park) else (park.reason, park.until)
            if park is not None and seen and self._parks.get(key) != seen:
                new.setdefault(_park_told(park), []).append(wait.id)
            self._parks[key] = seen
        for told, ids in new.items():
            self._tell(f"{_named(ids)}: {told}")


def stands(wait: Wait) -> str:
    """Where a task stands, in a few words."""
    if wait.park is not None:
        return _park_told(wait.park)
    match wait.waiting:
        case Waiting.ADMIT:
            return f"it waits for a place in {wait.tier}"
        case Waiting.RUN:
            return f"it is at work in {wait.tier}"
        case Waiting.FILE:
            return "its answer is being filed"
    return "it waits to be given a tier"


def _stop_of(wait: Wait) -> str:
    return f"{_stopped(wait.stop or '')}; an operator ends it ({ended_by(wait.stop or '')})"


def _stopped(latch: str) -> str:
    tier = latch.partition(":")[2]
    return f"nothing starts{tier and f' in {tier}'}: {'emergency stop' if latch == EMERGENCY else 'paused'}"


def _park_told(park: Park) -> str:
    until = "" if park.until is None else f", until {iso(park.until)}"
    return f"parked ({park.reason}): {words.one_line(park.detail)}{until}"


def _is_short(park: Park) -> bool:
    return park.until is not None and park.until - words.now() < _SOON


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return f"{', '.join(ids[:_NAMED])}{more}"
