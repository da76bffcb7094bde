"""A run's durable record, `result.json`: left in the run's folder before anything is said on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass

from koubou.errors import ProtocolError
from koubou.model.call import CallResult
from koubou.wire.codec import decoder_of, encoder_of

NAME = "result.json"
ANSWER = "answer.txt"
"""The answer as it grows, to be followed; the record is what counts."""

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a run's call ended, and the answer as far as it came ("" if nothing did)."""

    version: int = VERSION
    result: CallResult
    answer: str


def encode_record(record: Record) -> bytes:
    """The bytes of `result.json`."""
    return json.dumps(_encode(record), separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


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
    record: Record = _decode(members)
    return record


_encode = encoder_of(Record)
_decode = decoder_of(Record)
