"""What a call's ending costs, where what is reported cannot be true."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from koubou.model.call import Bill, Usage
from koubou.rules.settle import Settlement, is_plausible, settlement
from koubou.rules.usage import MOST_TOKENS
from tests.builders import a_price

USAGE = Usage(input_tokens=20, output_tokens=50)


@pytest.mark.parametrize("name", Usage.__struct_fields__)
@pytest.mark.parametrize("count", [-1, MOST_TOKENS + 1])
def test_counts_that_cannot_be_are_not_believed_and_the_whole_hold_counts(name: str, count: int) -> None:
    usage = replace(USAGE, **{name: count})
    assert not is_plausible(usage)
    outcome = settlement(bill=Bill.REPORTED, usage=usage, price=a_price(), hold=7_000_000)
    assert outcome == Settlement(amount=7_000_000, unreconciled=True)


def test_a_bill_without_a_usage_counts_whole() -> None:
    outcome = settlement(bill=Bill.REPORTED, usage=None, price=a_price(), hold=7_000_000)
    assert outcome == Settlement(amount=7_000_000, unreconciled=True)
