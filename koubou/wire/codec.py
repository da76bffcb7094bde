"""Values as JSON and back.

Strict about what it knows (missing fields, wrong types), tolerant of fields it does not: newer minor versions add some.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from koubou.errors import ProtocolError

Value = TypeVar("Value")


def to_json(value: object) -> bytes:
    """JSON in ASCII. Raises TypeError or ValueError for what it cannot say."""
    return _JSON.encode(value).encode("ascii")


def value_of(cls: type[Value], members: object) -> Value:
    """A `cls` with these members, as `json.loads` gives them. Raises ProtocolError, and quotes nothing that came."""
    try:
        return convert(members, cls)
    except ValidationError as error:
        wrong, at, place = str(error).rpartition(" - at ")
        if wrong.startswith("Invalid enum value"):
            wrong = "Unknown word"
        raise ProtocolError(f"{cls.__name__}: {wrong}{at}{place}") from None
    except UnicodeEncodeError:  # msgspec looks words and the names of fields up as UTF-8
        raise ProtocolError(f"{cls.__name__}: half a surrogate pair where a known word is expected") from None


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False, default=_plain)
