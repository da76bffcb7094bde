"""What an agent is told whose call is not sent: an error in its provider's own form, with the word that it acts upon.

What is hopeless must end the agent at once, and what is not must let it try again. As measured: Codex stops at once at
a 429 `insufficient_quota` and at a 400, Claude Code at a 403; both try again at a 429 with Retry-After.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import Struct

from koubou.model.gate import Denial
from koubou.model.instant import SECOND, Milliseconds

Form = Literal["openai", "anthropic"]


class Fault(StrEnum):
    """What is wrong where it is not the gate that says no."""

    TOKEN = "token"  # noqa: S105 - a kind of refusal
    ADDRESS = "address"
    MODEL = "model"
    FIELD = "field"
    TOO_LARGE = "too_large"
    SECRET = "secret"  # noqa: S105
    UPSTREAM = "upstream"


class Refusal(Struct, frozen=True, kw_only=True):
    """The answer: `retry_after` is whole seconds, None = no such header."""

    status: int
    body: bytes
    retry_after: int | None = None


def refusal(
    form: Form,
    why: Denial | Fault,
    message: str,
    *,
    facts: Mapping[str, Any] | None = None,
    wait: Milliseconds | None = None,
) -> Refusal:
    """The refusal in this form. `facts` stand beside the message; `wait` is told only of what passes."""
    status, kind, code = _WORDS[form][why]
    error: dict[str, Any] = {**(facts or {}), "message": message, "type": kind}
    if form == "openai":
        error |= {"param": None, "code": code}
        said: dict[str, Any] = {"error": error}
    else:
        said = {"type": "error", "error": error}
    passes = why in (Denial.RATE, Denial.REST)
    seconds = max(1, -(-(wait or SECOND) // SECOND)) if passes else None
    return Refusal(status=status, body=msgspec.json.encode(said), retry_after=seconds)


_INVALID = "invalid_request_error"
_WORDS: Mapping[Form, Mapping[Denial | Fault, tuple[int, str, str]]] = {
    "openai": {
        Denial.BUDGET: (429, "insufficient_quota", "insufficient_quota"),
        Denial.SECRECY: (400, _INVALID, "secrecy"),
        Denial.STOP: (400, _INVALID, "stopped"),
        Denial.RATE: (429, "requests", "rate_limit_exceeded"),
        Denial.REST: (429, "requests", "rate_limit_exceeded"),
        Fault.TOKEN: (401, _INVALID, "invalid_api_key"),
        Fault.ADDRESS: (404, _INVALID, "unknown_url"),
        Fault.MODEL: (404, _INVALID, "model_not_found"),
        Fault.FIELD: (400, _INVALID, "unsupported_parameter"),
        Fault.TOO_LARGE: (413, _INVALID, "request_too_large"),
        Fault.SECRET: (400, _INVALID, "secrecy"),
        Fault.UPSTREAM: (502, "server_error", "bad_gateway"),
    },
    "anthropic": {
        Denial.BUDGET: (403, "permission_error", ""),
        Denial.SECRECY: (403, "permission_error", ""),
        Denial.STOP: (403, "permission_error", ""),
        Denial.RATE: (429, "rate_limit_error", ""),
        Denial.REST: (529, "overloaded_error", ""),
        Fault.TOKEN: (401, "authentication_error", ""),
        Fault.ADDRESS: (404, "not_found_error", ""),
        Fault.MODEL: (404, "not_found_error", ""),
        Fault.FIELD: (400, _INVALID, ""),
        Fault.TOO_LARGE: (413, "request_too_large", ""),
        Fault.SECRET: (403, "permission_error", ""),
        Fault.UPSTREAM: (502, "api_error", ""),
    },
}
"""Status, type and code."""
