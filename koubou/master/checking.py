"""Asks servers behind open circuits how they are, each when its time has come, in threads; the turn decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from koubou.backends.health import ask_health
from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.master.crew import Crew
from koubou.model.circuit import Health
from koubou.model.heard import Checked
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.rules.breaker import circuits_of, is_due


class Checking:
    """`look` is called once a second; what a server says comes back through `hear`."""

    def __init__(self, board: Board, crew: Crew, *, hear: Callable[[Checked], None]) -> None:
        self._board = board
        self._crew = crew
        self._hear = hear
        self._asking: dict[str, asyncio.Task[None]] = {}

    def look(self, now: Instant) -> None:
        """Ask those whose time has come and who are not being asked."""
        with suppress(BoardUnavailable), self._board.reachable():
            for circuit in self._board.circuits.all().values():
                if is_due(circuit, now) and circuit.name not in self._asking:
                    tier = next(
                        (tier for tier in self._crew.tiers().values() if circuit.name in circuits_of(tier)), None
                    )
                    if tier is not None:
                        task = asyncio.get_running_loop().create_task(self._ask(circuit.name, tier))
                        self._asking[circuit.name] = task

    async def _ask(self, circuit: str, tier: Tier) -> None:
        endpoint = self._crew.endpoints.get(tier.name)
        keys = (endpoint.api_key,) if endpoint else self._crew.workshop.keys.get(tier.name, ())
        asked = replace(tier, base_url=endpoint.base_url) if endpoint else tier
        try:
            health = await asyncio.to_thread(ask_health, asked, keys[0] if keys else None)
        except Exception as error:  # noqa: BLE001 - a bug over one server must not leave its circuit open for ever
            health = Health(well=False, reason=f"a bug: {type(error).__name__}; please report it")
        finally:
            del self._asking[circuit]
        self._hear(Checked(circuit=circuit, health=health))
