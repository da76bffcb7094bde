"""What a call cost, from what it used and what its model charges."""

from __future__ import annotations

from koubou.model.call import Usage
from koubou.model.money import MILLION, Nano, Price, Rates


def rates_for(price: Price, input_tokens: int) -> Rates:
    """The rates that the whole request meets: the last step whose threshold its input has passed."""
    rates = price.base
    for threshold, stepped in price.steps:
        if input_tokens > threshold:
            rates = stepped
    return rates


def cost(usage: Usage, price: Price) -> Nano:
    """Nano-dollars of a call, rounded up. Cached and written tokens are part of the input; reasoning of the output.

    Where the parts are more than their whole, each part is charged: nobody is billed for less.
    """
    written = max(usage.cache_write_tokens, usage.cache_write_1h_tokens)
    parts = usage.cached_input_tokens + written
    rates = rates_for(price, max(usage.input_tokens, parts))
    total = (
        max(0, usage.input_tokens - parts) * rates.input
        + usage.cached_input_tokens * rates.cached_input
        + (written - usage.cache_write_1h_tokens) * rates.cache_write
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + usage.output_tokens * rates.output
    )
    return -(-total // MILLION)
