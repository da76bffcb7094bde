"""The words of Anthropic's messages, and the tools of Claude Code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simulated.words import Answer, Asked, NoToolError, RefusedError, ToolCall, Usage, text_of

REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
ERRORS = {
    "rate_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "billing_error",
    "server_error": "api_error",
    "overloaded": "overloaded_error",
    "invalid_api_key": "authentication_error",
    "context_length_exceeded": "request_too_large",
    "model_not_found": "not_found_error",
    "unknown_url": "not_found_error",
}
STATUSES = {"insufficient_quota": 402, "overloaded": 529, "context_length_exceeded": 413}


def asked(body: Mapping[str, Any], betas: str) -> Asked:
    """Read a request."""
    _check(body, betas)
    system = [text_of(body["system"])] if body.get("system") else []
    messages = body["messages"]
    return Asked(
        model=str(body.get("model", "")),
        streamed=bool(body.get("stream")),
        cap=body["max_tokens"],
        texts=[*system, *(text_of(message.get("content")) for message in messages)],
        extras=[json.dumps(body["tools"])] if body.get("tools") else [],
        wanted=_wanted(body),
        tools=frozenset(str(tool.get("name")) for tool in body.get("tools") or ()),
        results=sum(_results(message.get("content")) for message in messages),
    )


def _check(body: Mapping[str, Any], betas: str) -> None:
    for name in ("max_tokens", "messages", "model"):
        if not body.get(name):
            raise RefusedError(f"{name}: Field required")
    budget = (body.get("thinking") or {}).get("budget_tokens", 0)
    # docs.claude.com, extended thinking: between tools it may think for longer than one answer is.
    if budget >= body["max_tokens"] and "interleaved-thinking" not in betas:
        raise RefusedError("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _wanted(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match body.get("output_config"):
        case {"format": {"type": "json_schema", "schema": schema}}:
            return dict(schema)
    return None


def _results(content: Any) -> int:
    if not isinstance(content, list):
        return 0
    return sum(part.get("type") == "tool_result" for part in content)


def call_for(step: Mapping[str, Any], tools: frozenset[str]) -> ToolCall:
    """What a step of the script is with these tools."""
    match step:
        case {"tool": command}:
            call = ToolCall(name="Bash", arguments={"command": command, "description": "The script's command"})
        case {"write": {"path": path, "text": text}}:
            call = ToolCall(name="Write", arguments={"file_path": path, "content": text})
        case {"edit": {"path": path, "old": old, "new": new}}:
            call = ToolCall(name="Edit", arguments={"file_path": path, "old_string": old, "new_string": new})
        case {"read": path}:
            call = ToolCall(name="Read", arguments={"file_path": path})
        case _:
            raise NoToolError(f"the script's step {json.dumps(step)} is none of Anthropic's")
    if call.name not in tools:
        raise NoToolError(f"the script wants {call.name}, and the request offers {sorted(tools)}")
    return call


def whole(answer: Answer) -> dict[str, Any]:
    """An answer in one piece."""
    block = {**_block(answer), "input": answer.says.arguments} if isinstance(answer.says, ToolCall) else None
    return {
        **_head(answer),
        "content": [block or {"type": "text", "text": answer.says}],
        "stop_reason": REASONS.get(answer.finish, answer.finish),
        "usage": None if answer.usage is None else usage(answer.usage),
    }


def stream(answer: Answer, *, with_usage: bool) -> tuple[list[bytes], list[bytes]]:
    """The events of an answer: those that come while it grows, and those at its end."""
    counts = {} if answer.usage is None else usage(answer.usage)
    begun = {"message": {**_head(answer), "content": [], "usage": {**counts, "output_tokens": 1} if counts else None}}
    ended: dict[str, Any] = {"delta": {"stop_reason": REASONS.get(answer.finish, answer.finish), "stop_sequence": None}}
    if counts:
        ended["usage"] = {"output_tokens": counts["output_tokens"]}
    growing = [
        event("message_start", begun),
        event("ping", {}),
        event("content_block_start", {"index": 0, "content_block": _block(answer)}),
        *(event("content_block_delta", {"index": 0, "delta": _delta(answer, piece)}) for piece in answer.pieces),
        event("content_block_stop", {"index": 0}),
    ]
    return growing, [event("message_delta", ended), event("message_stop", {})]


def error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    """A refusal."""
    said = {"type": ERRORS.get(code, "invalid_request_error"), "message": message}
    return STATUSES.get(code, status), {"type": "error", "error": said}


def failed(answer: Answer, code: str) -> None:
    """A whole answer that fails is a refusal."""


def failing(answer: Answer, code: str) -> bytes:
    """The event with which a stream fails in its middle."""
    return event("error", {"error": {"type": ERRORS.get(code, code), "message": "The model failed."}})


def usage(used: Usage) -> dict[str, int]:
    """The counts of a call; what was cached and written is not part of the input here."""
    return {
        "input_tokens": used.input - used.cached - used.written,
        "cache_read_input_tokens": used.cached,
        "cache_creation_input_tokens": used.written,
        "output_tokens": used.output,
    }


def event(kind: str, parts: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **parts})}\n\n".encode()


def _head(answer: Answer) -> dict[str, Any]:
    head = {"id": f"msg_{answer.number}", "type": "message", "role": "assistant", "model": answer.model}
    return {**head, "stop_reason": None, "stop_sequence": None}


def _block(answer: Answer) -> dict[str, Any]:
    if isinstance(answer.says, ToolCall):
        return {"type": "tool_use", "id": f"toolu_{answer.number}", "name": answer.says.name, "input": {}}
    return {"type": "text", "text": ""}


def _delta(answer: Answer, piece: str) -> dict[str, Any]:
    if isinstance(answer.says, ToolCall):
        return {"type": "input_json_delta", "partial_json": piece}
    return {"type": "text_delta", "text": piece}
