"""Which of a tier's keys serves a call: the first in order that was not refused a while ago."""

from __future__ import annotations

_FIRST_REST = 5 * 60.0
_LONGEST_REST = 60 * 60.0
"""Seconds. Each refused call is a task that fails or goes elsewhere, so a key that is no good is tried ever less."""


class Keyring:
    """The places of the keys, never the keys. `now` is seconds of a clock that only goes forward."""

    def __init__(self, keys: int) -> None:
        self._rests_until = [0.0] * keys
        self._next_rest = [_FIRST_REST] * keys
        self._refused_at = [float("-inf")] * keys

    def turn(self, now: float) -> int:
        """The place of the key that serves now; when all rest, of the one whose rest ends first."""
        for place, until in enumerate(self._rests_until):
            if until <= now:
                return place
        return min(range(len(self._rests_until)), key=self._rests_until.__getitem__)

    def refused(self, place: int, now: float) -> None:
        """The provider did not take it, or its credit is used up; calls that were refused together count as one."""
        self._refused_at[place] = now
        if self._rests_until[place] <= now:
            self._rests_until[place] = now + self._next_rest[place]
            self._next_rest[place] = min(self._next_rest[place] * 2, _LONGEST_REST)

    def has_another(self, now: float) -> bool:
        """Whether a key that does not rest is left."""
        return any(until <= now for until in self._rests_until)

    def served(self, place: int, began: float) -> None:
        """A call that began then was answered: the key is good, unless it was refused since."""
        if began > self._refused_at[place]:
            self._rests_until[place] = 0.0
            self._next_rest[place] = _FIRST_REST
