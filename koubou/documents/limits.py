"""How large a document may be; every bound holds while it is read, not after."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of one file. `nodes` and `size` also bound what aliases would unfold to.

    `size` in bytes; `digits` in characters of one number; `depth` counts mappings and lists inside one another.
    """

    size: int = 10_000_000
    depth: int = 32
    aliases: int = 64
    nodes: int = 100_000
    digits: int = 100

    @property
    def too_deep(self) -> str:
        """What is wrong with a text that passes `depth`."""
        return f"is nested more than {self.depth} levels deep"


DEFAULT = Limits()
