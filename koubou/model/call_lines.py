"""Lines of a run's `calls.jsonl`: what became of each call of an agent, durable before the master hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, ValidationError, convert

from koubou.model.call import CallResult
from koubou.model.money import Nano

NAME = "calls.jsonl"
MEMBER = "member-"
"""How the folders begin, in that of a run, in which the members of a hybrid have theirs."""
VERSION = 1


class CallLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call. `cost_nusd` is None where nobody knows it; the bodies stand there only if the settings wish it."""

    api: str
    streamed: bool
    request_bytes: int
    answer_bytes: int
    cost_nusd: Nano | None
    result: CallResult
    request: str | None = None
    answer: str | None = None


def line_of(line: CallLine) -> bytes:
    """The line, with its end."""
    return b'{"version":%d,%b\n' % (VERSION, msgspec.json.encode(line)[1:])


def results_of(data: bytes) -> list[CallResult]:
    """The results in a file of such lines. What is torn, or of another version, is left out."""
    return [result for line in data.split(b"\n") if line for result in _result(line)]


def _result(line: bytes) -> Iterator[CallResult]:
    try:
        said: Any = json.loads(line)
        if isinstance(said, dict) and said.get("version") == VERSION:
            yield convert(said.get("result"), CallResult)
    except (ValueError, ValidationError, RecursionError):
        return
