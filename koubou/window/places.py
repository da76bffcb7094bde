"""Places of which there are so many: nobody takes more than his share, so that nobody can keep all others out."""

from __future__ import annotations

from collections import Counter

_SHARE = 4


class Places:
    """Somebody gets a quarter of them at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = max(1, most // _SHARE)
        self._taken: Counter[str] = Counter()

    def take(self, who: str, number: int = 1) -> bool:
        """Take so many; whether there were so many for him. Else nothing is taken."""
        if self._taken[who] + number > self._share or self._taken.total() + number > self._most:
            self.leave(who, 0)
            return False
        self._taken[who] += number
        return True

    def leave(self, who: str, number: int = 1) -> None:
        """Give so many back."""
        self._taken[who] -= number
        if not self._taken[who]:
            del self._taken[who]
