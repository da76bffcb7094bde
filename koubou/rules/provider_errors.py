"""What a provider's error answer means: its class, by code before status, and what is known of the bill.

The table is that of the providers' error pages (OpenAI, Anthropic) and of the servers that speak like them (vLLM,
LM Studio, llama.cpp, Ollama). Nothing that a provider writes freely is passed on: it may quote the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from koubou.model.call import Bill, CallError, ErrorClass
from koubou.model.instant import HOUR, SECOND, Instant, Milliseconds, instant

LONGEST_WAIT: Milliseconds = HOUR
"""A Retry-After beyond this is cut to it: a provider's mistake must not park a task for days."""

CODES: Mapping[str, ErrorClass] = {
    "rate_limit_exceeded": ErrorClass.RATE,
    "rate_limit_error": ErrorClass.RATE,
    "slow_down": ErrorClass.RATE,
    "too_many_requests": ErrorClass.RATE,
    "insufficient_quota": ErrorClass.QUOTA,
    "credit_balance_exhausted": ErrorClass.QUOTA,
    "organization_usage_limit_exceeded": ErrorClass.QUOTA,
    "enforced_spend_limit_reached": ErrorClass.QUOTA,
    "billing_hard_limit_reached": ErrorClass.QUOTA,
    "billing_not_active": ErrorClass.QUOTA,
    "billing_error": ErrorClass.QUOTA,
    "invalid_api_key": ErrorClass.AUTH,
    "authentication_error": ErrorClass.AUTH,
    "permission_error": ErrorClass.AUTH,
    "account_deactivated": ErrorClass.AUTH,
    "unsupported_country_region_territory": ErrorClass.AUTH,
    "model_not_found": ErrorClass.MODEL,
    "not_found_error": ErrorClass.MODEL,
    "context_length_exceeded": ErrorClass.CONTEXT,
    "exceed_context_size_error": ErrorClass.CONTEXT,
    "request_too_large": ErrorClass.CONTEXT,
    "content_policy_violation": ErrorClass.POLICY,
    "content_filter": ErrorClass.POLICY,
    "refusal": ErrorClass.POLICY,
    "overloaded_error": ErrorClass.SERVER,
}
"""Words of a provider that say more than the status."""

STATUSES: Mapping[int, ErrorClass] = {
    401: ErrorClass.AUTH,
    402: ErrorClass.QUOTA,
    403: ErrorClass.AUTH,
    404: ErrorClass.MODEL,
    407: ErrorClass.PROXY,
    408: ErrorClass.TIMEOUT,
    409: ErrorClass.SERVER,
    413: ErrorClass.CONTEXT,
    425: ErrorClass.SERVER,
    429: ErrorClass.RATE,
}

_PHRASES: Mapping[str, ErrorClass] = {
    "specified api usage limits": ErrorClass.QUOTA,
    "maximum context length": ErrorClass.CONTEXT,
    "exceeds the available context size": ErrorClass.CONTEXT,
    "context length of only": ErrorClass.CONTEXT,
    "model not found": ErrorClass.MODEL,
    "no models loaded": ErrorClass.MODEL,
}
"""For those who have no code for it (Anthropic's usage limit; vLLM, llama.cpp and LM Studio on a full context)."""

_SENTENCES: Mapping[ErrorClass, str] = {
    ErrorClass.RATE: "the provider asks to slow down",
    ErrorClass.QUOTA: "the provider's own spend limit or credit is used up",
    ErrorClass.AUTH: "the provider does not accept the key, or not for this model",
    ErrorClass.BAD_REQUEST: "the provider refuses the request as it is",
    ErrorClass.MODEL: "the server has no such model, or no such address",
    ErrorClass.CONTEXT: "the request does not fit the model's context",
    ErrorClass.POLICY: "the provider refuses the content",
    ErrorClass.SERVER: "the provider has a fault or is overloaded",
    ErrorClass.PROXY: "something between here and the provider answered in its place",
    ErrorClass.CUT: "the answer broke off before it was complete",
    ErrorClass.TIMEOUT: "no complete answer came in time",
    ErrorClass.UNREACHABLE: "no connection to the server: nothing was sent",
    ErrorClass.LOST: "the worker ended before the answer was there",
    ErrorClass.CANCELLED: "the call was stopped",
    ErrorClass.INTERNAL: "a bug in Koubou",
    ErrorClass.SECRET: "a secret was on its way to the cloud",
    ErrorClass.BUDGET: "no account bears another call",
    ErrorClass.OPERATIONS: "the agent does more than it may",
}

_NO_BILL = frozenset(
    {
        ErrorClass.RATE,
        ErrorClass.QUOTA,
        ErrorClass.AUTH,
        ErrorClass.BAD_REQUEST,
        ErrorClass.MODEL,
        ErrorClass.CONTEXT,
        ErrorClass.POLICY,
        ErrorClass.SECRET,
        ErrorClass.BUDGET,
    }
)
_GATEWAYS = frozenset({502, 504, *range(520, 528), 530})
"""Statuses of one who stands before the provider (520 and on: Cloudflare's): the provider may have done the work."""

_WORD = re.compile(r"(?=.{1,64}\Z)(?:[a-z]+(?:[_.][a-z0-9]{1,24})*|(?:[A-Z][a-z]+){1,6})")
_MOST_DIGITS = 4
"""Codes are words (rate_limit_exceeded, BadRequestError); keys are not."""
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,119}")


def read_error(
    status: int | None,
    body: Mapping[str, Any] | None,
    *,
    errors_are_billed: bool = False,
    retry_after: Milliseconds | None = None,
) -> tuple[CallError, Bill]:
    """What an error answer means.

    `status` is None for an error that came inside a stream: tokens may be made by then. `body` is the JSON object of
    the answer, if any. Only a complete error answer of the provider's own is evidence that nothing is billed: of a
    fault (5xx) one with a code or type, and no gateway's.
    """
    error = _error_part(body)
    words = [word for key in ("code", "type", "param") if (word := word_of(error.get(key)))]
    kind = _kind(status, words, error, own=bool(error))
    mine = f"{_SENTENCES[kind]}{_details(status, words)}"
    call_error = CallError(
        kind=kind, message=mine, code=words[0] if words else "", status=status, retry_after=retry_after
    )
    is_evidence = bool(words) if status is not None and status >= 500 else bool(error)
    return call_error, _bill(kind, status, own=is_evidence, errors_are_billed=errors_are_billed)


def plain_error(kind: ErrorClass, *, code: str = "", status: int | None = None) -> CallError:
    """The error of a class for which the provider sent no answer of its own; `code` is our word for the detail."""
    return CallError(
        kind=kind, message=f"{_SENTENCES[kind]}{_details(status, [code] if code else [])}", code=code, status=status
    )


def bill_of(kind: ErrorClass, *, errors_are_billed: bool = False) -> Bill:
    """What is known of the bill where only the class is: the table's money column."""
    if kind is ErrorClass.UNREACHABLE or kind in _NO_BILL:
        return Bill.NONE
    if kind is ErrorClass.SERVER and not errors_are_billed:
        return Bill.NONE
    return Bill.UNKNOWN


def read_retry_after(headers: Mapping[str, str], now: Instant) -> Milliseconds | None:
    """The wait that is asked for: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3).

    Header names are lower case. None where nothing usable stands there; never below 0 nor above LONGEST_WAIT.
    """
    exact = _number(headers.get("retry-after-ms"))
    seconds = _number(headers.get("retry-after"))
    if exact is not None:
        wait = exact
    elif seconds is not None:
        wait = seconds * SECOND
    else:
        try:
            wait = instant(parsedate_to_datetime(headers.get("retry-after", ""))) - now
        except ValueError:
            return None
    return round(min(max(0, wait), LONGEST_WAIT))


def _error_part(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The provider's own error object; empty where the body is none of its own."""
    match body:
        case {"error": Mapping() as error}:
            return error
        case {"error": str() as text}:  # LM Studio, Ollama
            return {"message": text}
        case {"object": "error", "message": message, **rest}:  # vLLM, Mistral
            return {"message": message, "code": rest.get("code"), "type": rest.get("type")}
        case {"detail": _}:  # FastAPI
            return {"message": ""}
        case _:
            return {}


def _kind(status: int | None, words: list[str], error: Mapping[str, Any], *, own: bool) -> ErrorClass:
    for word in words:
        if (kind := CODES.get(word.lower())) is not None:
            return kind
        if word.lower().endswith("_spend_limit_exceeded"):
            return ErrorClass.QUOTA
    if own and (status is None or 400 <= status < 500):
        message = str(error.get("message", "")).lower()
        for phrase, kind in _PHRASES.items():
            if phrase in message:
                return kind
    if status is None or status >= 500:
        return ErrorClass.SERVER if own and status not in _GATEWAYS else ErrorClass.PROXY
    if 400 <= status < 500:
        return STATUSES.get(status, ErrorClass.BAD_REQUEST)
    return ErrorClass.SERVER if own and status < 300 else ErrorClass.PROXY


def _bill(kind: ErrorClass, status: int | None, *, own: bool, errors_are_billed: bool) -> Bill:
    if status is None or status < 400 or status in _GATEWAYS or not own:
        return Bill.UNKNOWN
    if status >= 500 and errors_are_billed:
        return Bill.UNKNOWN
    return bill_of(kind, errors_are_billed=errors_are_billed)


def _details(status: int | None, words: list[str]) -> str:
    parts = ([f"status {status}"] if status is not None else []) + words
    return f" ({', '.join(dict.fromkeys(parts))})" if parts else ""


def word_of(value: object) -> str:
    """A provider's own word; "" for what is none: a sentence could quote the request, a number could be a key."""
    if not isinstance(value, str) or _WORD.fullmatch(value) is None:
        return ""
    return value if sum(map(str.isdigit, value)) <= _MOST_DIGITS else ""


def name_of_model(value: str) -> str | None:
    """The model that a provider says it used, where that can be a name; else None."""
    return value if _MODEL.fullmatch(value) else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and number == number and number >= 0 else None  # nan is not itself
