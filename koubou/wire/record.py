"""A run's durable record, `result.json`: left in the run's folder before anything is said on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from koubou.errors import ProtocolError
from koubou.model.call import CallResult
from koubou.wire.codec import to_json, value_of

NAME = "result.json"
ANSWER = "answer.txt"
"""The answer as it grows, to be followed; the record is what counts."""

VERSION = 1


class Record(Struct, frozen=True, kw_only=True):
    """How a run's call ended, and the answer as far as it came ("" if nothing did); what an agent has changed."""

    version: int = VERSION
    result: CallResult
    answer: str
    changes: Mapping[str, Any] | None = None


def encode_record(record: Record) -> bytes:
    """The bytes of `result.json`."""
    return to_json(record) + b"\n"


def decode_record(data: bytes) -> Record:
    """The record in these bytes. Raises ProtocolError if they are torn, damaged or of another version."""
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        raise ProtocolError(f"{NAME} is not JSON: the run left no record, treat it as lost") from None
    if type(members) is dict and members.get("version") != VERSION:
        raise ProtocolError(
            f"{NAME} is of another version than {VERSION}: start the Koubou that wrote it, and drain it"
        )
    return value_of(Record, members)
