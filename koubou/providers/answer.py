"""How a call ended, and where its text goes: what all APIs have in common."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from koubou.model.call import Bill, CallError, Usage
from koubou.model.instant import Milliseconds


class Answer(Struct, frozen=True, kw_only=True):
    """How a call ended; its text is what went to the listener. `error` is None for a complete or capped answer.

    `quiet_for` is how long the provider wants no further call, as far as it says so.
    """

    bill: Bill
    usage: Usage | None = None
    error: CallError | None = None
    finish_reason: str | None = None
    model: str | None = None
    quiet_for: Milliseconds | None = None


class Listener(Protocol):
    """Whoever takes the text of an answer."""

    def write(self, text: str) -> None:
        """The next piece of the answer."""


def answer_of(usage: Usage | None, *, error: CallError | None, finish_reason: str | None, model: str | None) -> Answer:
    """How a call ended whose usage is known, or (None) is not."""
    bill = Bill.REPORTED if usage is not None else Bill.UNKNOWN
    return Answer(bill=bill, usage=usage, error=error, finish_reason=finish_reason, model=model)


def sensible(usage: Usage, *, spoke: bool) -> Usage | None:
    """The usage, unless it cannot be: no request is empty, and no answer that says something."""
    return usage if usage.input_tokens > 0 and (usage.output_tokens > 0 or not spoke) else None
