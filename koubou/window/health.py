"""Whether the workshop is alive, and whether it takes work: what `/healthz` and `/readyz` say, check by check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from koubou.board.reading import Reading
from koubou.errors import BoardUnavailable
from koubou.model.instant import SECOND, Milliseconds
from koubou.rules.latches import EMERGENCY, PAUSE, ended_by

TURNS_WITHIN: Milliseconds = 30 * SECOND
"""An idle master takes a turn every second; a busy one's longest is far below this."""

Answer = tuple[bool, Mapping[str, Any]]
"""Whether all is well, and the JSON that says so: {"ok": …, "checks": {NAME: {"ok": …, "reason": …}}}."""


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `reason` says what is wrong, None where nothing is."""

    name: str
    reason: str | None


def healthz(reading: Reading | None, state: Mapping[str, Any] | None) -> Answer:
    """Whether it is alive: where not, restarting it may help. `reading` is None where the board cannot be opened."""
    return _answer(_alive(reading, state))


def readyz(reading: Reading | None, state: Mapping[str, Any] | None) -> Answer:
    """Whether it takes work in and does it: where not, a person must act or it is being stopped."""
    return _answer([*_alive(reading, state), *_ready(reading, state)])


def _answer(checks: list[Check]) -> Answer:
    ok = all(check.reason is None for check in checks)
    told = {check.name: {"ok": check.reason is None, "reason": check.reason} for check in checks}
    return ok, {"ok": ok, "checks": told}


def _alive(reading: Reading | None, state: Mapping[str, Any] | None) -> list[Check]:
    return [
        Check(name="board", reason=_board(reading)),
        Check(name="master", reason=None if state is not None else "no master answers; start it: koubou serve"),
        Check(name="turns", reason=None if state is None else _turns(state)),
    ]


def _board(reading: Reading | None) -> str | None:
    if reading is None:
        return "the board cannot be opened"
    try:
        reading.latches()
    except BoardUnavailable as error:
        return str(error)
    return None


def _turns(state: Mapping[str, Any]) -> str | None:
    if (fault := state.get("board_fault")) is not None:
        return f"the last turn could not be written: {fault}"
    ago: Milliseconds = state.get("turned_ms_ago", 0)
    return f"the last turn ended {ago // SECOND} s ago" if ago > TURNS_WITHIN else None


def _ready(reading: Reading | None, state: Mapping[str, Any] | None) -> Iterator[Check]:
    latches = _latches(reading)
    for name in (EMERGENCY, PAUSE):
        # The reason of a latch may be a person's words: who may read it sees it by `koubou status`.
        yield Check(name=name, reason=f"everything is stopped; {ended_by(name)}" if name in latches else None)
    if state is not None:
        draining = "it is being stopped: nothing more is taken in" if state["draining"] else None
        yield Check(name="draining", reason=draining)
        yield Check(name="intake", reason=state.get("intake_paused"))
        yield Check(name="disk", reason=_disk(state.get("disk")))
        offered = any(tier["unfit"] is None for tier in state["tiers"].values())
        yield Check(name="tiers", reason=None if offered else "no tier is offered; koubou status says why")


def _latches(reading: Reading | None) -> Mapping[str, str]:
    try:
        return {} if reading is None else reading.latches()
    except BoardUnavailable:
        return {}


def _disk(disk: Mapping[str, int] | None) -> str | None:
    if disk is None:
        return "nobody can tell how much disk is free"
    short = disk["free"] < disk["least"]
    return f"{disk['free']} bytes are free, intake.min_free_disk is {disk['least']}" if short else None
