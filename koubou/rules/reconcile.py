"""What a provider's bill for a model's hour corrects in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from koubou.model.account import HourSpend
from koubou.model.money import Nano


def corrections(billed: Nano, spent: Sequence[HourSpend]) -> list[tuple[str, Nano]]:
    """(tier, amount) of the lines that make the ledger say what was billed; none where it does.

    A bill above the ledger is a fact, and charged to the tier that spent most. One below gives back no more than what
    was unknown: what a provider's own usage says was used stays used, whatever an export may leave out.
    """
    known = sum(spend.amount for spend in spent)
    if billed > known:
        dearest = max(spent, key=lambda spend: spend.amount, default=None)
        return [(dearest.tier if dearest else "", billed - known)]
    rest = known - billed
    found = []
    for spend in spent:
        given_back = min(rest, spend.unknown)
        if given_back > 0:
            found.append((spend.tier, -given_back))
            rest -= given_back
    return found
