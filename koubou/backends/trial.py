"""A test of the settings, run in what an agent has left: its status decides."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from koubou.backends.part import Part
from koubou.backends.rooms import Rooms, write
from koubou.backends.visit import Launch, command_of, hold, limits_of, visit_of
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Why
from koubou.model.agent import Manner
from koubou.sandbox.walls import NoWall

_STDOUT = "stdout.txt"
_MOST = 16 * MEGABYTE


async def passes(test: Sequence[str], part: Part, leashes: Leashes) -> bool:
    """Whether the test ends well in the work of this part, under the limits of its tier and without any network."""
    tier = part.tier
    rooms = await asyncio.to_thread(_rooms, part)
    visit = visit_of(tier, tier.agent or Manner(), part, rooms, {}, None)
    launch = Launch(argv=tuple(test), environment={})
    try:
        command = command_of(visit, launch, stdout=_STDOUT)
        ended = await hold(leashes, command, limits_of(visit, launch, output=_MOST), lambda _data: False, None)
    except NoWall:
        return False
    return ended is not None and ended.why is Why.EXITED and ended.status == 0


def _rooms(part: Part) -> Rooms:
    """A folder of its own for what the test says, and the work of the part."""
    folder = os.path.join(part.folder, "test")
    home, temporary, given = (os.path.join(folder, name) for name in ("home", "tmp", "stdin.txt"))
    os.makedirs(home, mode=0o700, exist_ok=True)
    os.makedirs(temporary, mode=0o700, exist_ok=True)
    write(given, "")
    return Rooms(folder=folder, home=home, work=os.path.join(part.folder, "work"), temporary=temporary, prompt=given)
