"""Who asks, by the bearer token or by coming from this machine; and how often an address may guess wrong."""

from __future__ import annotations

import time
from collections import OrderedDict

from msgspec import Struct

from koubou.board.reading import Reading
from koubou.model.access import Caller, Role
from koubou.rules.token import actor_of, digest_of, why_useless
from koubou.views.words import now
from koubou.window.problems import Trouble
from koubou.window.window import Window

_KNOWN_FOR = 1.0
"""Seconds for which a token is taken as it was found: so soon a revoked one opens nothing."""
_MOST_KNOWN = 1_000
_FORGOTTEN_AFTER = 300.0
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 4.0
LOOPBACK = "loopback"


class Known(Struct, frozen=True, kw_only=True):
    """A caller, by which token, and when that was looked up."""

    caller: Caller
    token: str | None
    at: float


class Callers:
    """Tokens are looked up on the board, by digest; what was found is believed for a second."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._noted: dict[str, float] = {}

    async def of(self, words: str | None, address: str, *, is_local: bool) -> Known:
        """Whose words these are. Raises Trouble (401) for who may not come in, BoardUnavailable."""
        if words is None:
            if is_local and self._window.settings.open_to_loopback:
                return self._local(address)
            raise _refusal("this path needs a token: Authorization: Bearer kbu_…; koubou token add makes one")
        digest = digest_of(words)
        if digest is None:
            raise _refusal("this is no token of this workshop")
        known = self._known.get(digest)
        if known is None or time.monotonic() - known.at > _KNOWN_FOR:
            known = await self._window.readers.ask(lambda board: _look_up(board, digest))
            self._known[digest] = known
            self._known.move_to_end(digest)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return Known(caller=_from(known.caller, address), token=known.token, at=known.at)

    def _local(self, address: str) -> Known:
        import os

        role = Role(self._window.settings.loopback_role)
        caller = Caller(actor=LOOPBACK, role=role, uid=os.geteuid(), source=f"api {address}")
        return Known(caller=caller, token=None, at=time.monotonic())


class Guesses:
    """Addresses that came with what is no token: each wrong guess is answered later than the last."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def delay(self, address: str) -> float:
        """Note a wrong guess; the seconds for which its answer waits."""
        present = time.monotonic()
        count, at = self._wrong.pop(address, (0, present))
        count = 1 if present - at > _FORGOTTEN_AFTER else count + 1
        self._wrong[address] = (count, present)
        while len(self._wrong) > _MOST_KNOWN:
            self._wrong.popitem(last=False)
        return float(min(_FIRST_DELAY * 2 ** min(count - 1, 10), _LONGEST_DELAY))


class Rates:
    """A bucket for each token or address: a minute's requests at once, and then as many as come in by the minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_second = per_minute / 60
        self._most = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Take one request; 0, or the seconds after which there is one again."""
        present = time.monotonic()
        left, at = self._buckets.pop(who, (self._most, present))
        left = min(self._most, left + (present - at) * self._per_second)
        allowed = left >= 1
        self._buckets[who] = (left - 1 if allowed else left, present)
        while len(self._buckets) > _MOST_KNOWN:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second


def _look_up(board: Reading, digest: str) -> Known:
    token = board.tokens.of(digest)
    if token is None:
        raise _refusal("this is no token of this workshop")
    if (why := why_useless(token, now())) is not None:
        raise _refusal(f"this token opens nothing: {why}")
    caller = Caller(actor=actor_of(token), role=token.role, uid=token.uid, source="api")
    return Known(caller=caller, token=token.id, at=time.monotonic())


def _from(caller: Caller, address: str) -> Caller:
    return Caller(actor=caller.actor, role=caller.role, uid=caller.uid, source=f"api {address}"[:100])


def _refusal(detail: str) -> Trouble:
    return Trouble(401, "no_token", detail, headers={"www-authenticate": 'Bearer realm="koubou"'})
