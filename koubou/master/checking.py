"""Asks servers behind open circuits how they are, each when its time has come; the turn decides.

Each is asked in a thread of its own, for which nobody waits: neither a reload nor the end of the workshop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from msgspec import Struct
from msgspec.structs import replace

from koubou.backends.health import MISSING, ask_health
from koubou.board.board import Board
from koubou.errors import BoardUnavailable
from koubou.master.crew import Crew
from koubou.model.call import ErrorClass
from koubou.model.circuit import Circuit, Health
from koubou.model.heard import Checked
from koubou.model.instant import Instant
from koubou.model.tier import Tier
from koubou.rules.breaker import circuits_of, is_due
from koubou.rules.provider_errors import plain_error

DEADLINE = 10.0
"""Seconds for all that a server has to say of how it is."""
_LATE = Health(well=False, reason=f"its server does not say within {DEADLINE:.0f} s how it is")
_NO_THREAD = Health(well=False, reason="this machine cannot start a thread to ask its server")
_MODEL_WORDS = (plain_error(ErrorClass.MODEL).message, MISSING)


class _Asking(Struct):
    """A server that is being asked; `late` once its time is over, though its thread lives on."""

    circuit: str
    late: bool = False


class Checking:
    """`look` is called once a second; what a server says comes back through `hear`."""

    def __init__(self, board: Board, crew: Crew, *, hear: Callable[[Checked], None]) -> None:
        self._board = board
        self._crew = crew
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._asking: dict[str, _Asking] = {}

    def look(self, now: Instant) -> None:
        """Ask those whose time has come; one that has not answered the last time is not asked again, nor is it well."""
        with suppress(BoardUnavailable), self._board.reachable():
            for circuit in self._board.circuits.all().values():
                if not is_due(circuit, now):
                    continue
                if (asking := self._asking.get(circuit.name)) is not None:
                    if asking.late:
                        self._hear(Checked(circuit=circuit.name, health=_LATE))
                    continue
                tier = next((tier for tier in self._crew.tiers().values() if circuit.name in circuits_of(tier)), None)
                if tier is not None:
                    self._begin(circuit, tier)

    def _begin(self, circuit: Circuit, tier: Tier) -> None:
        endpoint = self._crew.endpoints.get(tier.name)
        keys = (endpoint.api_key,) if endpoint else self._crew.workshop.keys.get(tier.name, ())
        asked = replace(tier, base_url=endpoint.base_url) if endpoint else tier
        needs_model = circuit.reason.startswith(_MODEL_WORDS)
        asking = _Asking(circuit.name)

        def ask() -> None:
            try:
                health = ask_health(asked, keys[0] if keys else None, needs_model=needs_model)
            except Exception as error:  # noqa: BLE001 - a bug over one server must not leave its circuit open for ever
                health = Health(well=False, reason=f"a bug: {type(error).__name__}; please report it")
            with suppress(RuntimeError):  # the loop is closed: nobody is there any more
                self._loop.call_soon_threadsafe(self._answered, asking, health)

        try:
            Thread(target=ask, name="health", daemon=True).start()
        except RuntimeError:
            self._hear(Checked(circuit=circuit.name, health=_NO_THREAD))
            return
        self._asking[circuit.name] = asking
        self._loop.call_later(DEADLINE, self._too_late, asking)

    def _answered(self, asking: _Asking, health: Health) -> None:
        del self._asking[asking.circuit]
        if not asking.late:
            self._hear(Checked(circuit=asking.circuit, health=health))

    def _too_late(self, asking: _Asking) -> None:
        if self._asking.get(asking.circuit) is asking:
            asking.late = True
            self._hear(Checked(circuit=asking.circuit, health=_LATE))
