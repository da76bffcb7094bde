"""What only a worker of agents has: the leashes of all it starts, and a gateway for each tier whose agents it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS
from koubou.wire.messages import Welcome
from koubou.worker.gate import Gate

if TYPE_CHECKING:
    from koubou.gateway.gateway import Gateway
    from koubou.leash.holding import Leashes


def leashes_of(tier: Tier) -> Leashes | None:
    """For whatever the worker of this tier starts; None where it starts nothing. Imports late: it takes time."""
    if not tier.executor.startswith(AGENTS):
        return None
    from koubou.leash import cgroup
    from koubou.leash.holding import Leashes

    return Leashes(control_group=cgroup.delegated())


async def open_doors(welcome: Welcome, gate: Gate) -> Mapping[str, Gateway]:
    """By the names of their tiers; none where no agent needs one. Raises CannotServe. Imports late: it takes time."""
    tier = welcome.tier
    if not tier.metered:
        return {}
    from koubou.gateway.gateway import Gateway

    members = tier.members or (tier,)
    doors = {each.name: Gateway(each, welcome.keys_of(each.name), gate) for each in members}
    for door in doors.values():
        await door.start()
    return doors
