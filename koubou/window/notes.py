"""What the master is told of who came: which token was used, and who was turned away, how often."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from koubou.window.changes import tell
from koubou.window.window import Window

_BETWEEN = 60.0
_MOST_USES, _MOST_REFUSED = 1_000, 100
_THE_OTHERS = "api others"


class Notes:
    """Of each once a minute at most; refusals meanwhile are counted, and told when the minute is over."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._used: OrderedDict[str, float] = OrderedDict()
        self._refused: dict[tuple[str, str | None], int] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def used(self, token: str) -> None:
        """It let somebody in."""
        present = asyncio.get_running_loop().time()
        if present - self._used.get(token, -_BETWEEN) < _BETWEEN:
            return
        self._used[token] = present
        self._used.move_to_end(token)
        if len(self._used) > _MOST_USES:
            self._used.popitem(last=False)
        self._tell("token_used", token=token)

    def refused(self, source: str, token: str | None = None) -> None:
        """Somebody was turned away, by his address; with the id of a token that is good for less than he wanted."""
        who = (source, token)
        if who not in self._refused and len(self._refused) >= _MOST_REFUSED:
            who = (_THE_OTHERS, None)
        is_known = who in self._refused
        self._refused[who] = self._refused.get(who, 0) + 1
        if not is_known:
            self._of(who)

    def _of(self, who: tuple[str, str | None]) -> None:
        """Tell what was counted, and again after a minute; without any more there is nothing left to keep."""
        times = self._refused.pop(who, 0)
        if not times:
            return
        self._refused[who] = 0
        source, token = who
        self._tell("refused", **{"from": source, "times": times, **({} if token is None else {"token": token})})
        asyncio.get_running_loop().call_later(_BETWEEN, self._of, who)

    def _tell(self, verb: str, **words: object) -> None:
        telling = asyncio.create_task(tell(self._window, verb, **words))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
