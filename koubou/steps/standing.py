"""How the workshop stands, in numbers: what a notice says beside its reason."""

from __future__ import annotations

from typing import Any

from koubou.model.budget import Budget
from koubou.model.instant import DAY, Instant
from koubou.ports import Board
from koubou.rules.windows import month

_LONGEST_MONTH = 32 * DAY
_MOST_LINES = 20


def standing(board: Board, budget: Budget, now: Instant) -> dict[str, Any]:
    """The month and the workshop as they stand, in numbers."""
    name, reopens = month(now, budget.timezone)
    found = dict(board.notices.standing(name, reopens - _LONGEST_MONTH, _MOST_LINES))
    account = board.ledger.account(name)
    if account is not None:
        amounts = {what: getattr(account, what) for what in ("limit", "settled", "held", "unreconciled")}
        percent = round(100 * account.settled / account.limit, 1) if account.limit else None
        found["month"] = {
            "name": name,
            **{f"{what}_nusd": each for what, each in amounts.items()},
            "percent": percent,
        }
    return found
