"""How tasks of a type did in a tier."""

from __future__ import annotations

from msgspec import Struct


class Experience(Struct, frozen=True, kw_only=True):
    """Counts of one type in one tier; old ones weigh less and less.

    `poor` are tasks that had to go up from there, or failed; `praised` are people's good ratings since their last bad.
    """

    answered: int = 0
    retried: int = 0
    poor: int = 0
    good: int = 0
    bad: int = 0
    praised: int = 0
