"""How the workshop stands, in the shape of `koubou status --json`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from koubou.board.reading import Reading
from koubou.errors import KoubouError
from koubou.folders.reject import refused_since
from koubou.model.account import Account
from koubou.views.control import ask
from koubou.views.shapes import account_shape, tier_shape, worker_shape
from koubou.views.workshop import Workshop

_DAY = 86_400.0


def status_shape(workshop: Workshop, board: Reading, said: Mapping[str, Any]) -> dict[str, Any]:
    """All of it; `said` is what the master told of himself (`said_by_master`)."""
    status, accounts = gather(workshop, board, said)
    return {**status, "accounts": [account_shape(account) for account in accounts]}


def gather(workshop: Workshop, board: Reading, said: Mapping[str, Any]) -> tuple[dict[str, Any], Sequence[Account]]:
    """What the board and (where one answered) the master know, in that shape; and the accounts apart."""
    with board.picture():
        counted, parked, queued, running = board.counted(), board.parked(), board.queued(), board.running()
        workers, latches, accounts = board.workers(), board.latches(), board.window_accounts()
        warn_at = board.warn_at()
    told: Mapping[str, Any] = said.get("tiers", {})
    # Nobody outlives the master by more than seconds, and nobody notes on the board that he is gone.
    gone = {} if workshop.served else {"status": "offline"}
    names = list(dict.fromkeys((*workshop.places, *told)))
    tiers = {
        name: tier_shape(told.get(name, {}), queued.get(name, 0), running.get(name, 0), workshop.places.get(name, 0))
        for name in names
    }
    return {
        "tasks": counted,
        "parked": parked,
        "tiers": tiers,
        "workers": [{**worker_shape(worker), **gone} for worker in workers],
        "emergency": bool(said.get("emergency", "emergency" in latches)),
        "latches": latches,
        "served": bool(said),
        "uptime_ms": said.get("uptime_ms"),
        "draining": bool(said.get("draining")),
        "warn_at": warn_at,
        "reject_at": said.get("reject_at"),
        "without_sandbox": list(workshop.without_sandbox),
        "rejected": {"last_day": _refused(workshop), "folder": workshop.layout.rejected},
    }, accounts


def _refused(workshop: Workshop) -> int | None:
    """How many files were refused within the last day; None where we may not look."""
    try:
        return refused_since(workshop.layout, time.time() - _DAY)
    except OSError:
        return None


def said_by_master(workshop: Workshop) -> dict[str, Any]:
    """What only memory knows; nothing where no master answers, or not to us."""
    try:
        state = ask(workshop.layout.run, "state", patience=2.0)
    except KoubouError:
        return {}
    return state if isinstance(state, dict) else {}
