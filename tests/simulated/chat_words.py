"""The words of OpenAI's chat completions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from simulated.words import Answer, Asked, NoToolError, RefusedError, ToolCall, Usage, text_of

KINDS = {429: "requests", 500: "server_error"}


def asked(body: Mapping[str, Any], betas: str) -> Asked:
    """Read a request."""
    if not body.get("messages"):
        raise RefusedError("Missing required parameter: 'messages'.")
    return Asked(
        model=str(body.get("model", "")),
        streamed=bool(body.get("stream")),
        cap=body.get("max_completion_tokens") or body.get("max_tokens") or None,
        texts=[text_of(message.get("content")) for message in body["messages"]],
        extras=[json.dumps(body[name]) for name in ("response_format", "tools") if body.get(name)],
        wanted=_wanted(body.get("response_format")),
        with_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


def _wanted(form: Any) -> Mapping[str, Any] | None:
    match form:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return dict(schema)
        case {"type": "json_object"}:
            return {}
    return None


def call_for(step: Mapping[str, Any], tools: frozenset[str]) -> ToolCall:
    """No program that is played to here has its tools in chat completions."""
    raise NoToolError(f"the script's step {json.dumps(step)} cannot be said in a chat completion")


def whole(answer: Answer) -> dict[str, Any]:
    """An answer in one piece."""
    message = {"role": "assistant", "content": answer.says}
    body: dict[str, Any] = {
        "id": _number(answer),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish}],
    }
    if answer.usage is not None:
        body["usage"] = usage(answer.usage)
    return body


def stream(answer: Answer, *, with_usage: bool) -> tuple[list[bytes], list[bytes]]:
    """The events of an answer: those that come while it grows, and those at its end."""
    ending = [b"data: [DONE]\n\n"]
    if with_usage and answer.usage is not None:
        ending.insert(0, _frame(answer, {"choices": [], "usage": usage(answer.usage)}))
    return [_event(answer, choice) for choice in _choices(answer)], ending


def error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    """A refusal."""
    kind = KINDS.get(status, "invalid_request_error")
    return status, {"error": {"message": message, "type": kind, "param": None, "code": code}}


def failed(answer: Answer, code: str) -> None:
    """A whole answer that fails is a refusal."""


def failing(answer: Answer, code: str) -> bytes:
    """The event with which a stream fails in its middle."""
    return _data({"error": {"message": "The model failed.", "type": "server_error", "param": None, "code": code}})


def usage(used: Usage) -> dict[str, Any]:
    """The counts of a call."""
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.total,
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }


def _choices(answer: Answer) -> Sequence[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in answer.pieces]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return [*choices, {"index": 0, "delta": {}, "finish_reason": answer.finish}]


def _event(answer: Answer, choice: Mapping[str, Any]) -> bytes:
    if not answer.count_along or answer.usage is None or choice["finish_reason"] is not None:
        return _frame(answer, {"choices": [choice]})
    so_far = {"prompt_tokens": answer.usage.input, "completion_tokens": 1}
    return _frame(answer, {"choices": [choice], "usage": so_far})


def _frame(answer: Answer, parts: Mapping[str, Any]) -> bytes:
    head = {"id": _number(answer), "object": "chat.completion.chunk", "created": 1, "model": answer.model}
    return _data({**head, **parts})


def _data(said: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def _number(answer: Answer) -> str:
    return f"chatcmpl-{answer.number}"
