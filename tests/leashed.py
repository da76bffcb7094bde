"""What tests of the leash share: commands that misbehave, a roll of all processes, and a look at who still lives."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from koubou.leash.holding import Leashes
from koubou.leash.mark import mark_of
from koubou.leash.orders import Command, Ended, Limits

HOSTILE = str(Path(__file__).parent / "stubs" / "hostile.py")
PATIENCE = 20.0


class Roll:
    """Who has been started in this folder, and which of them live: asked of psutil, not of the code under test."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "roll"
        self.token = f"token-of-{folder}"

    @property
    def signed(self) -> set[tuple[int, int]]:
        if not self.path.exists():
            return set()
        pairs = (line.split() for line in self.path.read_text().splitlines())
        return {(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2}

    def alive(self) -> list[str]:
        """Every process on the roll, or with our token in its environment, that is not a zombie."""
        return [f"{pid} (on the roll)" for pid, born in self.signed if lives(pid, born)] + [
            f"{process.pid} ({process.name()})" for process in psutil.process_iter() if self._has_token(process)
        ]

    def nobody_soon(self) -> None:
        """Wait until nobody lives."""
        end = time.monotonic() + PATIENCE
        while alive := self.alive():
            assert time.monotonic() < end, f"still alive: {alive}"
            time.sleep(0.01)

    def at_least(self, count: int) -> None:
        """Wait until so many have signed."""
        end = time.monotonic() + PATIENCE
        while len(self.signed) < count:
            assert time.monotonic() < end, f"{len(self.signed)} have signed"
            time.sleep(0.005)

    def _has_token(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("TOKEN") == self.token and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False


def a_command(folder: Path, behaviour: str, **changes: Any) -> Command:
    """The stub agent with this behaviour."""
    roll = Roll(folder)
    fields: dict[str, Any] = {
        "argv": [sys.executable, "-I", "-S", HOSTILE, behaviour],
        "environment": {"ROLL": str(roll.path), "TOKEN": roll.token},
        "directory": str(folder),
        "stdout": str(folder / "stdout"),
        "stderr": str(folder / "stderr"),
        "mark": mark_of(str(folder), "worker-1", "task", 1),
    }
    return Command(**{**fields, **changes})


def limits(**changes: Any) -> Limits:
    """Little patience."""
    return Limits(**{"wall": 30_000, "grace": 100, "linger": 30_000, **changes})


def has_result(data: bytes) -> bool:
    """The last record of the stub."""
    return b"result" in data


def run(command: Command, bounds: Limits, meanwhile: Callable[[], Any] | None = None) -> Ended:
    """From beginning to end, in this process."""

    async def both() -> Ended:
        running = asyncio.ensure_future(Leashes().run(command, bounds, has_result))
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)
            running.cancel()
        return await running

    return asyncio.run(both())


def lives(pid: int, born: int) -> bool:
    """Whether this very process is there, and no zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[19]) == born and fields[0] not in "ZX" and pid != os.getpid()
