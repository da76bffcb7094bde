"""Checks of what stands in the body of a request to a model: single values, lists, objects, objects told by their type.

A check says what is wrong as the end of a sentence that begins with the field's name, or None where it may pass. What
is wrong further inside begins with a dot, so that the sentence names the way there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], str | None]
_LONGEST_NAME = 60
_WORDS: Mapping[Any, str] = {None: "null", True: "true", False: "false"}


def members(values: Mapping[str, Any], allowed: Mapping[str, Check], reasons: Mapping[Any, str]) -> str | None:
    """The first member of an object that may not be there, with the reason: `reasons` has some by name."""
    for name, value in values.items():
        check = allowed.get(name)
        if check is None:
            return f"{_told(name)} {reasons.get(name, 'is not on the list of fields whose price is known')}"
        if (reason := check(value)) is not None:
            return f"{name}{reason}" if reason.startswith(".") else f"{name} {reason}"
    return None


def anything(_value: Any) -> str | None:
    """For words and numbers that cost no more than the bytes that they have."""
    return None


def plain(value: Any) -> str | None:
    """A word or number."""
    return None if value is None or isinstance(value, str | int | float | bool) else "must be a plain word or number"


def flag(value: Any) -> str | None:
    """Yes or no."""
    return None if value is None or isinstance(value, bool) else "must be true or false"


def text(value: Any) -> str | None:
    """Text."""
    return None if value is None or isinstance(value, str) else "must be text"


def cap(value: Any) -> str | None:
    """A limit, which has to be one."""
    return None if type(value) is int and value > 0 else "must be a whole number above 0"


def only(*allowed: Any) -> Check:
    """One of these values, by type as well: True is 1 for Python, and not for a provider."""
    told = " or ".join(_WORDS[value] if value is None or isinstance(value, bool) else str(value) for value in allowed)

    def check(value: Any) -> str | None:
        fits = any(type(value) is type(each) and value == each for each in allowed)
        return None if fits else f"may only be {told}"

    return check


def each(check: Check) -> Check:
    """A list of which each passes."""

    def check_all(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            return "must be a list"
        return next((reason for item in value if (reason := check(item)) is not None), None)

    return check_all


def text_or(check: Check) -> Check:
    """Text, or else what passes."""
    return lambda value: None if isinstance(value, str) else check(value)


def an_object(**allowed: Check) -> Check:
    """An object with these members at most."""

    def check(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return "must be an object"
        reason = members(value, allowed, {})
        return None if reason is None else f".{reason}"

    return check


def an_object_of(*names: str) -> Check:
    """An object with these members at most, whatever they are."""
    return an_object(**dict.fromkeys(names, anything))


def kinds(what: str, default: str = "", /, **known: Check) -> Check:
    """Objects that are told apart by their `type`; `default` is what one without it is."""

    def check(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return f"must have the form of a {what}"
        kind = value.get("type", default)
        inner = known.get(kind) if isinstance(kind, str) else None
        if inner is None:
            return f"has a {what} of the type {_told(kind)}, which is not on the list of those whose price is known"
        return inner({name: member for name, member in value.items() if name != "type"})

    return check


def _told(name: object) -> str:
    """A name of others as it may stand in a sentence."""
    return name[:_LONGEST_NAME] if isinstance(name, str) and name.isprintable() and name else "(no name)"
