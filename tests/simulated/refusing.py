"""Errors by kind, in the words of the API that was called, and those of the proxies before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulated.behaviour import Behaviour
from simulated.sending import send_whole
from simulated.words import Words

ERRORS: Mapping[str, tuple[int, str, str]] = {
    "rate": (429, "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    "rate_silent": (429, "rate_limit_exceeded", "Rate limit reached for requests."),
    "quota": (429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "server": (500, "server_error", "The server had an error while processing your request."),
    "overload": (503, "overloaded", "The engine is currently overloaded."),
    "auth": (401, "invalid_api_key", "Incorrect API key provided."),
    "context": (400, "context_length_exceeded", "This model's maximum context length is smaller than your request."),
    "invalid": (400, "invalid_request_error", "The request is not well formed."),
    "not_found": (404, "model_not_found", "The model does not exist."),
    "no_such_url": (404, "unknown_url", "Invalid URL."),
    "no_such_method": (405, "method_not_supported", "Not allowed to use this method here."),
}
PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


async def send_error(send: Any, kind: str, behaviour: Behaviour, words: Words, why: str | None = None) -> None:
    """Refuse a call; `why` is said instead of what is usually said."""
    if kind == "proxy":
        await send_whole(send, 502, PROXY_PAGE)
        return
    if kind == "proxy_json":
        await send_whole(send, 504, b'{"error": "upstream request timeout"}')
        return
    status, code, message = ERRORS[kind]
    status, body = words.error(status, code, why or message)
    wait = [(b"retry-after", str(behaviour.retry_after).encode())] if kind == "rate" else []
    await send_whole(send, status, json.dumps(body).encode(), *wait)
