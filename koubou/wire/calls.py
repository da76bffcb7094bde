"""How the calls of an agent's run ended, `calls.jsonl`: a line each, durable before anything is said on the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from koubou.errors import ProtocolError
from koubou.model.call import CallResult
from koubou.wire.codec import value_of

NAME = "calls.jsonl"


def results_of(data: bytes) -> Sequence[CallResult]:
    """The results in these lines; a torn one, or what is none, is left out."""
    found = []
    for line in data.split(b"\n"):
        with suppress(ValueError, RecursionError, ProtocolError, TypeError, KeyError):
            found.append(value_of(CallResult, json.loads(line)["result"]))
    return found
