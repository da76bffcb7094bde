"""What a call's ending costs: the reported usage, nothing on evidence of no bill, else the whole hold."""

from __future__ import annotations

from msgspec import Struct

from koubou.model.account import Amounts
from koubou.model.call import Bill, Usage
from koubou.model.instant import Milliseconds
from koubou.model.money import Nano, Price
from koubou.rules.price import cost
from koubou.rules.usage import MOST_TOKENS


class Settlement(Struct, frozen=True, kw_only=True):
    """What goes into the ledger. `released` = nothing was billed; `above_hold` is a bug to be told at once."""

    amount: Nano
    usage: Usage | None = None
    released: bool = False
    unreconciled: bool = False
    above_hold: bool = False


def settlement(*, bill: Bill, usage: Usage | None, price: Price, hold: Nano) -> Settlement:
    """Money comes back only on evidence; where nobody knows, the whole hold is settled and marked."""
    match bill, usage:
        case (Bill.NONE, _):
            return Settlement(amount=0, released=True)
        case (Bill.REPORTED, Usage()) if is_plausible(usage):
            amount = cost(usage, price)
            return Settlement(amount=amount, usage=usage, above_hold=amount > hold)
        case _:
            return Settlement(amount=hold, unreconciled=hold > 0)


def used_amounts(settled: Settlement, held: Amounts, time: Milliseconds) -> Amounts:
    """What a call used of everything. Where nobody knows its tokens, all that were held count; its time is known."""
    passed = max(0, time)
    if settled.released:
        return Amounts(time=passed)
    usage = settled.usage
    tokens = held.tokens if usage is None else usage.input_tokens + usage.output_tokens
    return Amounts(usd=settled.amount, tokens=tokens, calls=1, time=passed)


def is_plausible(usage: Usage) -> bool:
    """Whether these can be the counts of one call."""
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
    )
    return all(0 <= count <= MOST_TOKENS for count in counts)
