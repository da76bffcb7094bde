"""The most that a call can cost: a bound, not an estimate, so that what is held is never below the bill.

Premises:

- a byte-level tokenizer never makes more tokens of a text than it has UTF-8 bytes (every token of GPT's, Llama's and
  Claude's vocabularies covers at least one byte), and a chat template adds a bounded frame to each message;
- nothing is read or billed that the request does not show: `rules.body_fields` lets no such field through;
- a provider refuses, unbilled, what is longer than its model's window;
- the provider honours the output cap that is sent, and bills by the token, at the price that is known of the model.
"""

from __future__ import annotations

from functools import lru_cache

from koubou.model.money import MILLION, Nano, Price, Rates
from koubou.model.tier import Tier

REQUEST_TOKENS = 64
"""Frame around a request: start and end marks, the answer's opening, a date line of some templates."""
MESSAGE_TOKENS = 16
"""Frame around each message: role, separators; OpenAI's own count is 3 to 4."""


TOOLS_TOKENS = 640
"""What a provider says to its model about tools, where a request has some, beside the tools themselves.

Anthropic's table (tool use, pricing) names 264 to 530 for its models; OpenAI's frame is far smaller.
"""


def input_bound(input_bytes: int, message_count: int) -> int:
    """The most input tokens that a conversation of so many bytes (as UTF-8 JSON) and messages can count as."""
    return input_bytes + REQUEST_TOKENS + MESSAGE_TOKENS * message_count


def bounded_input(tier: Tier, input_bytes: int, message_count: int) -> int:
    """The same for a call of this tier: what a model cannot take in, it cannot bill.

    Only a window that is known to be true counts. `context_tokens` is an operator's word, meant to choose a tier by:
    one that is set too low would break the promise in silence.
    """
    most = input_bound(input_bytes, message_count)
    return most if tier.window is None else min(most, tier.window)


@lru_cache(256)
def dearest(price: Price, input_tokens: int) -> Rates:
    """For each kind the highest rate that a request of at most so many input tokens can meet."""
    reachable = [price.base, *(rates for threshold, rates in price.steps if input_tokens > threshold)]
    return Rates(
        input=max(max(rates.input, rates.cached_input, rates.cache_write, rates.cache_write_1h) for rates in reachable),
        output=max(rates.output for rates in reachable),
        cached_input=max(rates.cached_input for rates in reachable),
        cache_write=max(rates.cache_write for rates in reachable),
        cache_write_1h=max(rates.cache_write_1h for rates in reachable),
    )


def bound(price: Price, input_tokens: int, cap: int) -> Nano:
    """Nano-dollars that a call of at most `input_tokens` in and `cap` out can never pass."""
    rates = dearest(price, input_tokens)
    return -(-(input_tokens * rates.input + cap * rates.output) // MILLION)


def affordable_cap(price: Price, input_tokens: int, amount: Nano) -> int | None:
    """The largest output cap whose bound fits `amount`; None when output is free or not even the input fits → -1."""
    rates = dearest(price, input_tokens)
    rest = amount * MILLION - input_tokens * rates.input
    if rest < 0:
        return -1
    return None if rates.output == 0 else rest // rates.output
