"""Values as JSON and back: one encoder and one decoder per class, built once, because four messages pass per task.

Strict about what it knows (missing fields, wrong types), tolerant of fields it does not: newer minor versions add some.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Any

from koubou.errors import ProtocolError

Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any]

_PLAIN: Mapping[object, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    type(None): (type(None),),
}


def encoder_of(cls: type) -> Encode:
    """What turns an instance of the dataclass `cls` into a dict that JSON can take."""
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    nested = [(name, encode) for name in names if (encode := _encode_hint(hints[name])) is not None]
    values = _values_getter(names)

    def encode_object(value: Any) -> dict[str, Any]:
        members = dict(zip(names, values(value), strict=True))
        for name, encode in nested:
            members[name] = encode(members[name])
        return members

    return encode_object


def decoder_of(cls: type) -> Decode:
    """What makes an instance of the dataclass `cls` from a JSON object. Raises ProtocolError where it does not fit."""
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    members = [(field.name, _decode_hint(hints[field.name])) for field in fields]
    required = frozenset(
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )

    def decode_object(value: Any) -> Any:
        if type(value) is not dict:
            raise ProtocolError(f"{cls.__name__}: an object is expected")
        known = {}
        for name, decode in members:
            if name in value:
                try:
                    known[name] = decode(value[name])
                except ProtocolError as error:
                    raise ProtocolError(f"{cls.__name__}.{name}: {error}") from None
            elif name in required:
                raise ProtocolError(f"{cls.__name__}: {name} is missing")
        return cls(**known)

    return decode_object


def _values_getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    match names:
        case []:
            return lambda _: ()
        case [name]:
            return lambda value: (getattr(value, name),)
        case _:
            return typing.cast("Callable[[Any], tuple[Any, ...]]", attrgetter(*names))


def _encode_hint(hint: Any) -> Encode | None:
    """None where JSON takes the value as it is: plain words and numbers, StrEnums, mappings and tuples of these."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return encoder_of(hint)
    arguments = [argument for argument in typing.get_args(hint) if argument is not Ellipsis]
    encoders = [_encode_hint(argument) for argument in arguments]
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        found = [encode for encode in encoders if encode is not None]
        if not found:
            return None
        [encode] = found
        return lambda value: None if value is None else encode(value)
    if typing.get_origin(hint) is tuple and any(encoders):
        if typing.get_args(hint)[-1] is Ellipsis:
            [each] = encoders
            return lambda value: [each(item) for item in value] if each else value
        return lambda value: [encode(item) if encode else item for encode, item in zip(encoders, value, strict=True)]
    return None


def _decode_hint(hint: Any) -> Decode:
    if hint is Any:
        return lambda value: value
    if hint in _PLAIN:
        return _plain(_PLAIN[hint])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _word(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return decoder_of(hint)
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is Mapping:
        return _plain((dict,))
    if origin is tuple:
        return _tuple(arguments)
    if origin in (types.UnionType, typing.Union):
        return _optional(arguments)
    raise TypeError(f"the wire has no form for {hint}")  # a bug, found when the module is loaded


def _plain(allowed: tuple[type, ...]) -> Decode:
    words = " or ".join("null" if kind is type(None) else kind.__name__ for kind in allowed)

    def decode(value: Any) -> Any:
        if type(value) not in allowed:  # exact types: a bool is no number here
            raise ProtocolError(f"{words} is expected, {type(value).__name__} came")
        return value

    return decode


def _word(cls: type[StrEnum]) -> Decode:
    members = {member.value: member for member in cls}

    def decode(value: Any) -> Any:
        member = members.get(value) if type(value) is str else None
        if member is None:
            raise ProtocolError(f"one of {', '.join(members)} is expected")
        return member

    return decode


def _optional(arguments: tuple[Any, ...]) -> Decode:
    rest = [argument for argument in arguments if argument is not type(None)]
    if len(rest) != 1 or len(rest) == len(arguments):
        raise TypeError(f"the wire has no form for a choice of {arguments}")
    decode = _decode_hint(rest[0])
    return lambda value: None if value is None else decode(value)


def _tuple(arguments: tuple[Any, ...]) -> Decode:
    if arguments[-1] is Ellipsis:
        each = _decode_hint(arguments[0])
        return lambda value: tuple(each(item) for item in _list(value))
    decoders = [_decode_hint(argument) for argument in arguments]

    def decode(value: Any) -> Any:
        if len(_list(value)) != len(decoders):
            raise ProtocolError(f"{len(decoders)} members are expected")
        return tuple(decode(item) for decode, item in zip(decoders, value, strict=True))

    return decode


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ProtocolError("a list is expected")
    return value
