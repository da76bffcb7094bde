"""Lines of a ledger for tests: calls that were held for and settled at a time of one's own choosing."""

from __future__ import annotations

from itertools import count
from typing import Any

from koubou.board import Board
from koubou.model.account import AccountKey, Amounts, Billed, Entry, OpenHold
from koubou.model.call import Usage
from koubou.model.instant import SECOND, Instant
from koubou.model.money import FREE, Nano

_NUMBERS = count(1)


def spend(board: Board, at: Instant, amount: Nano, *, unreconciled: bool = False, **changes: Any) -> None:
    """A call that cost so much: 1,000 tokens in and 200 out, held for at `at` and settled a second later."""
    usage = changes.pop("usage", Usage(input_tokens=1_000, output_tokens=200))
    values: dict[str, Any] = {
        "call": f"line-{next(_NUMBERS)}",
        "task": "a-task",
        "operation": "general",
        "run": 1,
        "tier": "gpt5_medium",
        "model": "gpt-5",
        "accounts": (),
        "price": FREE,
    }
    entry = Entry(**values | changes)
    used = Amounts(usd=amount, tokens=usage.input_tokens + usage.output_tokens, calls=1, time=SECOND)
    assert board.ledger.hold(entry, used, [], at)
    board.ledger.settle(OpenHold(entry=entry, amounts=used, at=at), used, usage, unreconciled=unreconciled, now=at + 1)


def correct(board: Board, hour: Instant, amount: Nano, at: Instant, *accounts: AccountKey) -> None:
    """A line by which a provider's bill corrects an hour."""
    board.ledger.correct(Billed(model="gpt-5", hour=hour, amount=amount), "gpt5_medium", accounts, at)
