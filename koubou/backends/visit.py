"""One run of a program in its rooms: what it is started with, what holds it, and what ends it early."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from koubou.backends.port import CannotServe, Door, Sink
from koubou.backends.rooms import Rooms
from koubou.leash.holding import Leashes
from koubou.leash.orders import Command, Ended, Limits
from koubou.model.agent import Manner
from koubou.model.instant import iso
from koubou.model.money import usd
from koubou.model.tier import Tier
from koubou.sandbox.preflight import why_not
from koubou.sandbox.walls import HOME, WORK, Walls, walled

LOG = "log.jsonl"
"""What an agent says, line by line as it gave it."""

_PASSED_ON = ("PATH", "LANG", "TZ")
_SCRATCH = "/tmp"  # noqa: S108 - the sandbox's own
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOOK = 0.25
_WAY_OUT = 5.0
"""Seconds that a program has to end by itself once no call of it is let through any more."""


class Visit(Struct, frozen=True, kw_only=True):
    """One run, as whoever starts the program needs it. `home`, `work` and `temporary` are paths as the program sees
    them, `session` that which it is to go on with. `door` is None where it makes no calls through us."""

    tier: Tier
    manner: Manner
    sink: Sink
    rooms: Rooms
    body: Mapping[str, Any]
    door: Door | None
    home: str
    work: str
    temporary: str
    session: str | None = None

    @property
    def base_url(self) -> str:
        """Where the program finds its model; the API's own path follows."""
        return "" if self.door is None else f"http://127.0.0.1:{self.door.port}"


class Launch(Struct, frozen=True, kw_only=True):
    """What a program is started with, beyond what all get. `readable` is what it needs to see of the host."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    readable: tuple[str, ...] = ()
    signal: signal.Signals = signal.SIGTERM

    def __repr__(self) -> str:
        return f"Launch(argv={self.argv!r})"  # never the environment: the run's token is in it


def check_walls(tier: str, manner: Manner) -> None:
    """Raises CannotServe where there is to be a sandbox and none works on this machine."""
    if manner.sandbox and (why := why_not()) is not None:
        raise CannotServe(f"tier {tier}: {why}", "or have the operator write sandbox: none for it")


def visit_of(tier: Tier, manner: Manner, sink: Sink, rooms: Rooms, body: Mapping[str, Any], door: Door | None) -> Visit:
    """A run with a session of its own, in the walls that it is to have."""
    inside = manner.sandbox
    return Visit(
        tier=tier,
        manner=manner,
        sink=sink,
        rooms=rooms,
        body=body,
        door=door,
        home=HOME if inside else rooms.home,
        work=WORK if inside else rooms.work,
        temporary=_SCRATCH if inside else rooms.temporary,
    )


def command_of(visit: Visit, launch: Launch, *, stdout: str) -> Command:
    """What the leash runs: the program in its place of work, with an environment of its own. Raises NoWall."""
    folder = visit.rooms.folder
    return Command(
        argv=walled(launch.argv, _walls(visit, launch)) if visit.manner.sandbox else launch.argv,
        environment={**_environment(visit), **launch.environment},
        directory=visit.rooms.work,
        stdin=None if visit.manner.prompt_in_file else visit.rooms.prompt,
        stdout=os.path.join(folder, stdout),
        stderr=os.path.join(folder, "stderr.txt"),
        mark=visit.sink.mark,
    )


def limits_of(visit: Visit, launch: Launch, *, output: int) -> Limits:
    """How far the program may go."""
    tier, manner = visit.tier, visit.manner
    bounds = {"file": manner.file_size} if manner.file_size is not None else {}
    return Limits(
        wall=tier.timeout,
        idle=tier.idle,
        grace=tier.grace,
        output=output,
        memory=manner.memory,
        processes=manner.processes,
        signal=launch.signal,
        signal_depth=_walls(visit, launch).depth if manner.sandbox else 0,
        **bounds,
    )


async def hold(
    leashes: Leashes, command: Command, limits: Limits, take: Callable[[bytes], bool], door: Door | None
) -> Ended | None:
    """Until nothing of it lives. None: it had to be ended, since no call of it would have been let through any more."""
    running = asyncio.ensure_future(leashes.run(command, limits, take))
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=None if door is None else _LOOK)
            if door is not None and door.hopeless:
                await asyncio.wait({running}, timeout=_WAY_OUT)
                running.cancel()
                await asyncio.wait({running})
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
    return None if running.cancelled() else running.result()


def _walls(visit: Visit, launch: Launch) -> Walls:
    """It sees its rooms and its program; the folder of the run, where its record will stand, it does not."""
    door, rooms = visit.door, visit.rooms
    return Walls(
        work=rooms.work,
        home=rooms.home,
        readable=launch.readable,
        hidden=(rooms.folder,),
        socket=None if door is None else door.socket,
        port=0 if door is None else door.port,
    )


def _environment(visit: Visit) -> dict[str, str]:
    sink = visit.sink
    # Behind the walls there are the system's programs only.
    path = {"PATH": _SYSTEM_PATH} if visit.manner.sandbox else {}
    kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    own = {"HOME": visit.home, "TMPDIR": visit.temporary, "KOUBOU_TASK_ID": sink.task, "KOUBOU_TIER": visit.tier.name}
    work = sink.work
    if work is not None and work.deadline is not None:
        own["KOUBOU_DEADLINE"] = iso(work.deadline)
    if work is not None and work.budget is not None:
        own["KOUBOU_BUDGET_USD"] = f"{usd(work.budget):.6f}"
    return kept | path | own
