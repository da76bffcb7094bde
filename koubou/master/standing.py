"""How the workshop stands, in the few words that `systemctl status` shows."""

from __future__ import annotations

from koubou.board.board import Board
from koubou.model.budget import Budget
from koubou.model.instant import Instant
from koubou.rules.latches import EMERGENCY, PAUSE
from koubou.rules.limits import LimitsInForce

_PER_CENT = 100


def standing(board: Board, budget: Budget, now: Instant) -> str:
    """Tasks at work and pending, the month's money, and whether a person must end a stop."""
    latches = board.crew.latches()
    words = [
        "EMERGENCY STOP" if EMERGENCY in latches else "",
        "paused" if PAUSE in latches else "",
        f"{sum(board.runs.open_count().values())} at work",
        f"{board.tasks.pending_count()} pending",
        _month(board, budget, now),
    ]
    return ", ".join(word for word in words if word)


def _month(board: Board, budget: Budget, now: Instant) -> str:
    limits = LimitsInForce(budget=budget, set=board.ledger.set_limits(), is_open=board.ledger.is_open)
    account = board.ledger.account(limits.month(now).name)
    if account is None or account.limit is None:
        return ""
    if account.limit == 0:
        return "no money this month"
    return f"{account.settled * _PER_CENT // account.limit} % of the month's money spent"
