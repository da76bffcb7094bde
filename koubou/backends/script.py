"""The script of a rehearsal: a list of rules, read from YAML or JSON and checked whole.

- match: deploy            # in the last user message; without it the rule answers everything
  repeat: 2                # answers so often per worker, then the next rule that matches is asked; default: always
  latency: 300ms           # or a bare number of milliseconds
  chunks: 10               # the answer comes in so many pieces, spread over the latency
  answer: All is well.
  finish_reason: stop
  usage: {input_tokens: 12, output_tokens: 5}   # default: a token for every four bytes
- error: {status: 429, code: rate_limit_exceeded}   # or {kind: cut}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from koubou.documents.reading import read_documents
from koubou.documents.units import duration
from koubou.model.call import Bill, CallError, ErrorClass, Usage
from koubou.model.instant import Milliseconds
from koubou.rules.provider_errors import bill_of, plain_error, read_error

DEFAULT_ANSWER = "This is a rehearsal: no model was asked."


class BadScript(ValueError):
    """A script says something that no rule can mean; the message says which rule and what."""


class Cue(Struct, frozen=True, kw_only=True):
    """One rule of a script. `repeat` None = always; `usage` None = counted from the bytes."""

    match: str = ""
    answer: str = DEFAULT_ANSWER
    latency: Milliseconds = 0
    chunks: int = 1
    finish_reason: str = "stop"
    repeat: int | None = None
    usage: Usage | None = None
    failure: tuple[CallError, Bill] | None = None


def read_script(data: bytes, *, name: str) -> tuple[Cue, ...]:
    """The rules of a script file. Raises BadScript, or BadDocument for a text that cannot be read."""
    [document, *rest] = read_documents(data, name=name, json=name.endswith(".json"))
    if rest or not isinstance(document.value, list) or not document.value:
        raise BadScript("one list of rules is expected")
    return tuple(_cue(number, value) for number, value in enumerate(document.value, start=1))


def _cue(number: int, value: Any) -> Cue:
    if not isinstance(value, Mapping):
        raise BadScript(f"rule {number}: keys and values are expected")
    if unknown := sorted(str(key) for key in value if key not in _READERS):
        raise BadScript(f"rule {number}: {unknown[0]} is not one of {', '.join(_READERS)}")
    read = {}
    for key, part in value.items():
        try:
            read["failure" if key == "error" else key] = _READERS[key](part)
        except (ValueError, TypeError, KeyError) as error:
            raise BadScript(f"rule {number}: {key} {error}") from None
    return Cue(**read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("must be a whole number, 0 or more")
    return value


def _pieces(value: object) -> int:
    return max(1, _count(value))


def _latency(value: object) -> Milliseconds:
    return duration(value) if isinstance(value, str) else math.ceil(_count(value))


def _usage(value: object) -> Usage:
    if not isinstance(value, Mapping) or not {"input_tokens", "output_tokens"} <= set(value) <= set(_USAGE):
        raise ValueError(f"must have input_tokens and output_tokens, and may have {', '.join(_USAGE[2:])}")
    return Usage(**{key: _count(count) for key, count in value.items()})


def _failure(value: object) -> tuple[CallError, Bill]:
    if not isinstance(value, Mapping) or not value or not set(value) <= {"kind", "status", "code", "retry_after"}:
        raise ValueError("must have kind or status, and may have code and retry_after")
    code = _text(value.get("code", ""))
    status = _count(value["status"]) if "status" in value else None
    if "kind" in value:
        if value["kind"] not in list(ErrorClass):
            raise ValueError(f"kind must be one of {', '.join(ErrorClass)}")
        kind = ErrorClass(value["kind"])
        return plain_error(kind, code=code, status=status), bill_of(kind)
    wait = _latency(value["retry_after"]) if "retry_after" in value else None
    return read_error(status, {"error": {"code": code, "message": "rehearsed"}}, retry_after=wait)


_USAGE = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "match": _text,
    "answer": _text,
    "latency": _latency,
    "chunks": _pieces,
    "finish_reason": _text,
    "repeat": _count,
    "usage": _usage,
    "error": _failure,
}


def choose(cues: Sequence[Cue], used: Sequence[int], question: str) -> int | None:
    """Which rule answers: the first that matches and is not used up. None where none does."""
    for index, cue in enumerate(cues):
        if cue.match in question and (cue.repeat is None or used[index] < cue.repeat):
            return index
    return None
