"""One layer of settings and where its words stand; layers laid over one another, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.documents.checking import Place
from koubou.documents.problems import Path

_REPLACED_WHOLE = frozenset({"api_key", "token", "price"})
"""Mappings that mean something only as a whole: half of one and half of another would be neither."""
_OF_WHOLES = frozenset({"prices"})
"""Mappings of such: each of their values is replaced as a whole."""


class Layer(Struct, frozen=True, kw_only=True):
    """What one source says: `place` gives where, and `replaces_tiers` whether its tiers stand for the built-in ones."""

    values: Mapping[str, Any]
    place: Callable[[Path], Place]
    replaces_tiers: bool = False


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What `above` says, and for the rest what `below` says; neither is changed. Lists are replaced as a whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and key not in _REPLACED_WHOLE:
            merged[key] = {**old, **value} if key in _OF_WHOLES else lay_over(old, value)
        else:
            merged[key] = value
    return merged


def where(layers: Sequence[Layer], path: Path) -> Place:
    """The place of the uppermost layer that says something at `path`, or else at the nearest path above it."""
    for length in range(len(path), -1, -1):
        for layer in reversed(layers):
            if _has(layer.values, path[:length]):
                return layer.place(path[:length])
    return ("", None, None)


def _has(values: Any, path: Path) -> bool:
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
