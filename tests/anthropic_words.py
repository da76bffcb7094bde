"""How a simulated provider says in Anthropic's words what it says in those of chat completions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

REASONS = {"stop": "end_turn", "length": "max_tokens"}
ERRORS = {
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "billing_error",
    "server_error": "api_error",
    "overloaded": "overloaded_error",
    "invalid_api_key": "authentication_error",
    "context_length_exceeded": "request_too_large",
    "model_not_found": "not_found_error",
}
STATUSES = {"insufficient_quota": 402, "overloaded": 529, "context_length_exceeded": 413}


def as_chat(request: Mapping[str, Any]) -> dict[str, Any]:
    """The same request as a chat completion, so that it is counted in the same way."""
    system = [{"role": "system", "content": request["system"]}] if request.get("system") else []
    return {**request, "messages": [*system, *request.get("messages", [])]}


def usage(said: Mapping[str, Any]) -> dict[str, int]:
    """The same counts; what was cached is not part of the input here."""
    cached = said["prompt_tokens_details"]["cached_tokens"]
    return {
        "input_tokens": said["prompt_tokens"] - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": said["completion_tokens"],
    }


def whole(number: str, model: str, text: str, finish: str, said: Mapping[str, Any] | None) -> dict[str, Any]:
    """An answer in one piece."""
    return {
        **_head(number, model),
        "content": [{"type": "text", "text": text}],
        "stop_reason": REASONS.get(finish, finish),
        "usage": None if said is None else usage(said),
    }


def stream(
    number: str, model: str, texts: Sequence[str], finish: str, said: Mapping[str, Any] | None
) -> tuple[list[bytes], list[bytes]]:
    """The events of an answer: those that come while it grows, and those at its end."""
    counts = {} if said is None else usage(said)
    begun = {
        "message": {**_head(number, model), "content": [], "usage": {**counts, "output_tokens": 1} if counts else None}
    }
    pieces = [{"index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts]
    ended = {"delta": {"stop_reason": REASONS.get(finish, finish)}}
    if counts:
        ended["usage"] = {"output_tokens": counts["output_tokens"]}
    growing = [
        event("message_start", begun),
        event("ping", {}),
        event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(event("content_block_delta", piece) for piece in pieces),
        event("content_block_stop", {"index": 0}),
    ]
    return growing, [event("message_delta", ended), event("message_stop", {})]


def error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    """The same refusal."""
    said = {"type": ERRORS.get(code, "invalid_request_error"), "message": message}
    return STATUSES.get(code, status), {"type": "error", "error": said}


def event(kind: str, parts: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n".encode()


def _head(number: str, model: str) -> dict[str, Any]:
    return {"id": number, "type": "message", "role": "assistant", "model": model}
