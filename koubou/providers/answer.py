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
