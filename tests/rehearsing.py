"""A workshop that answers by itself, from a script, with a tier that costs nothing: for tests of everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workshop import Workshop

TIER: Mapping[str, Any] = {
    "reach": "local",
    "executor": "rehearsal",
    "price": {"input": 0, "output": 0},
    "workers": {"min": 1, "max": 1},
    "concurrency": 16,
}


def a_rehearsal(**changes: Any) -> Workshop:
    """A workshop that is not started yet."""
    routing = {"high": "local", "medium": "local", "low": "local"}
    return Workshop(None, tiers={"local": dict(TIER)}, routing=routing, **changes)


def drop(workshop: Workshop, start: int, count: int, **asked: Any) -> None:
    """Drop tasks t<start> and on, in one go."""
    files = {f"{n}.yaml": {"id": f"t{n}", "prompt": f"Number {n}", **asked} for n in range(start, start + count)}
    workshop.drop_all(files)
