"""Keeps the embedded model alive for the tiers that ask for it, where nothing else answers at their base_url."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from koubou.embedded.keeper import Running, launch
from koubou.embedded.registry import NoLocalModel
from koubou.journal import Journal
from koubou.master.crew import Crew, Endpoint
from koubou.model.circuit import Health
from koubou.model.heard import Checked
from koubou.model.tier import Tier
from koubou.rules.breaker import circuit_of

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
_KNOCK = 1.0

_ANSWERS = "the embedded model answers"


class ModelServer:
    """One server for all embedded tiers. While it is not up, their tasks wait and no worker is started for them."""

    def __init__(
        self, crew: Crew, journal: Journal, *, changed: Callable[[], None], hear: Callable[[Checked], None]
    ) -> None:
        self._crew = crew
        self._journal = journal
        self._changed = changed
        self._hear = hear
        self._keeping: asyncio.Task[None] | None = None
        self._running: Running | None = None

    def start(self) -> None:
        """Begin to keep it alive, if a tier asks for it."""
        tiers = [tier for tier in self._crew.workshop.tiers.values() if tier.embedded and tier.unfit is None]
        if tiers and self._keeping is None:
            self._crew.waiting_for_server.update(tier.name for tier in tiers)
            self._keeping = asyncio.get_running_loop().create_task(self._keep(tiers))

    def reload(self) -> None:
        """After a change of settings: begin anew if a tier asks for it now."""
        if self._keeping is None or self._keeping.done():
            self._keeping = None
            self.start()

    async def stop(self) -> None:
        """End the server."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        if self._running is not None:
            await self._running.stop()

    async def _keep(self, tiers: list[Tier]) -> None:
        if all([await _answers(tier.base_url) for tier in tiers]):
            self._ready(tiers, None)
            return
        wait = _FIRST_WAIT
        while True:
            try:
                self._running = await launch(self._crew.workshop.embedded, started=self._crew.children.note)
            except NoLocalModel as error:
                for tier in tiers:
                    self._crew.halted[tier.name] = str(error)
                    self._journal.say("tier.degraded", "error", tier=tier.name, reason=str(error))
                self._ready(tiers, None)
                return
            loop = asyncio.get_running_loop()
            began = loop.time()
            self._ready(tiers, self._running)
            status = await self._running.wait()
            self._crew.waiting_for_server.update(tier.name for tier in tiers)
            wait = _FIRST_WAIT if loop.time() - began > _LONGEST_WAIT else min(wait * 2, _LONGEST_WAIT)
            self._journal.say("tier.degraded", "error", tier=tiers[0].name, reason=f"the model server ended ({status})")
            await asyncio.sleep(wait)

    def _ready(self, tiers: list[Tier], running: Running | None) -> None:
        for tier in tiers:
            self._crew.waiting_for_server.discard(tier.name)
            if running is not None:
                # Workers of an earlier server have its address and key: they finish, and new ones are started.
                self._crew.endpoints[tier.name] = Endpoint(base_url=running.base_url, api_key=running.api_key)
                for member in self._crew.members.values():
                    if member.tier.name == tier.name:
                        member.retire()
                self._journal.say("tier.recovered", tier=tier.name, reason=_ANSWERS)
                self._hear(Checked(circuit=circuit_of(tier), health=Health(well=True, reason=_ANSWERS)))
        self._changed()


async def _answers(base_url: str) -> bool:
    """Whether anybody listens there."""
    address = urlsplit(base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address.hostname, port), _KNOCK)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
