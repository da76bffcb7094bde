"""受付, where requests from the control socket are taken, and answered once a turn has dealt with them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from koubou import __version__
from koubou.board.board import Board
from koubou.errors import KoubouError, NotAllowed, UsageMistake
from koubou.master.callers import speaker
from koubou.master.clock import clock
from koubou.master.crew import Crew
from koubou.master.enquiries import enquire
from koubou.master.reloading import Problems
from koubou.model.access import Caller, Scope
from koubou.model.circuit import Circuit
from koubou.model.heard import Asked, SettingsRead, TurnedAway
from koubou.model.instant import SECOND, Instant, iso
from koubou.model.tier import Tier
from koubou.rules.access import may_only, reach_of
from koubou.rules.breaker import circuit_of_key, opens_at, state_of
from koubou.rules.latches import EMERGENCY
from koubou.rules.session import as_offered, has_ended
from koubou.views.me import me_shape

AT_ONCE = frozenset({"ping", "me", "state", "reload", "show", "standing"})
"""The verbs that are answered without a turn."""
NOBODY = 0
"""The ticket of a request that nobody waits for."""


class Reception:
    """`hear` passes a request on to the next turn; `reply` brings back what that turn says."""

    def __init__(
        self,
        board: Board,
        crew: Crew,
        *,
        hear: Callable[[Asked | TurnedAway | SettingsRead], None],
        reload: Callable[[], Awaitable[Problems]],
        figures: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._board = board
        self._crew = crew
        self._hear = hear
        self._reload = reload
        self._figures = figures
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._last_ticket = NOBODY
        self._opened = time.monotonic()
        self.draining = False

    async def ask(self, verb: str, caller: Caller, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have a request answered; what needs no decision is answered at once."""
        try:
            caller, arguments = speaker(caller, arguments)
        except UsageMistake as error:
            return {"error": {"kind": "usage", "message": str(error)}}
        except NotAllowed as error:
            return self._refused(caller, "speak", str(error))
        if verb in AT_ONCE and reach_of(caller, verb) is Scope.NONE:
            return self._refused(caller, verb, may_only(verb))
        match verb:
            case "ping":
                return {"ok": {"pid": os.getpid(), "version": __version__}}
            case "me":
                return {"ok": me_shape(caller)}
            case "state":
                return {"ok": self._state()}
            case "reload":
                return await self._reloaded(caller)
            case "show" | "standing":
                return enquire(self._board, verb, caller, arguments)
        self._last_ticket += 1
        ticket = self._last_ticket
        self._waiting[ticket] = asyncio.get_running_loop().create_future()
        self._hear(Asked(verb=verb, caller=caller, arguments=arguments, ticket=ticket))
        try:
            return await self._waiting[ticket]
        finally:
            del self._waiting[ticket]

    def _refused(self, caller: Caller, verb: str, message: str) -> Mapping[str, Any]:
        self._hear(TurnedAway(caller=caller, verb=verb))
        return {"error": {"kind": "not_allowed", "message": message}}

    async def _reloaded(self, caller: Caller) -> Mapping[str, Any]:
        try:
            problems = list(await self._reload())
        except KoubouError as error:
            return {"error": {"kind": "unavailable", "message": str(error)}}
        self._hear(SettingsRead(caller=caller, problems=len(problems)))
        return {"ok": {"problems": problems}}

    def reply(self, replies: Mapping[int, Mapping[str, Any]]) -> None:
        """Hand out what a turn has answered."""
        for ticket, reply in replies.items():
            waiting = self._waiting.get(ticket)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)

    def _opens_at(self, tier: Tier, circuits: Mapping[str, Circuit], now: Instant) -> str | None:
        """When its rate, or its provider, lets the next call through; None where it may go at once."""
        opens = opens_at(tier, circuits, self._board.ledger.rate_due, now)
        return iso(opens) if opens > now else None

    def _state(self) -> Mapping[str, Any]:
        """What only memory knows, for `koubou status` and the metrics."""
        taken = self._board.runs.open_count()
        members = list(self._crew.members.values())
        circuits, now = self._board.circuits.all(), clock()
        tiers = as_offered(self._crew.tiers(), self._board.crew.latches(), circuits)
        return {
            "emergency": EMERGENCY in self._board.crew.latches(),
            "tiers": {
                name: {
                    "breaker": state_of(tier, circuits),
                    "queued": self._board.tasks.queued_up_to(name, 1_000_000),
                    "running": sum(taken.get(m.identity.id, 0) for m in members if m.tier.name == name),
                    "places": tier.places,
                    "unfit": tier.unfit,
                    "opens_at": self._opens_at(tier, circuits, now),
                    "looked_at": _looked_at(tier, circuits),
                }
                for name, tier in tiers.items()
            },
            "workers": [
                {
                    "worker": member.identity.id,
                    "tier": member.tier.name,
                    "pid": member.identity.pid,
                    "ready": member.ready,
                    "leaving": member.leaving,
                    "running": taken.get(member.identity.id, 0),
                }
                for member in members
            ],
            "draining": self.draining,
            "reject_at": self._crew.workshop.budget.reject_at,
            "uptime_ms": round((time.monotonic() - self._opened) * SECOND),
            **self._figures(),
        }


def _looked_at(tier: Tier, circuits: Mapping[str, Circuit]) -> str | None:
    """When a tier whose session is over is looked at next."""
    at = circuits[circuit_of_key(tier.name)].retry_at if has_ended(tier, circuits) else None
    return None if at is None else iso(at)
