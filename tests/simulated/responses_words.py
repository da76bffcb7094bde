"""The words of OpenAI's Responses, and the tools of Codex."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulated import chat_words
from simulated.words import Answer, Asked, NoToolError, RefusedError, ToolCall, Usage, text_of

LEAST_CAP = 16  # platform.openai.com: a smaller max_output_tokens is refused
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
error = chat_words.error


def asked(body: Mapping[str, Any], betas: str) -> Asked:
    """Read a request."""
    cap = body.get("max_output_tokens")
    if not body.get("input"):
        raise RefusedError("Missing required parameter: 'input'.")
    if cap is not None and cap < LEAST_CAP:
        raise RefusedError(f"Invalid 'max_output_tokens': expected a value >= {LEAST_CAP}, but got {cap} instead.")
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    form = (body.get("text") or {}).get("format")
    instructions = [str(body["instructions"])] if body.get("instructions") else []
    return Asked(
        model=str(body.get("model", "")),
        streamed=bool(body.get("stream")),
        cap=cap,
        texts=[*instructions, *(_text(item) for item in items)],
        extras=[json.dumps(each) for each in (body.get("tools"), form) if each],
        wanted=_wanted(form),
        tools=frozenset(_names([*(body.get("tools") or ()), *items])),
        results=sum(str(item.get("type")).endswith("_call_output") for item in items),
    )


def _text(item: Mapping[str, Any]) -> str:
    return text_of(item["content"]) if item.get("content") else json.dumps(item, ensure_ascii=False)


def _wanted(form: Any) -> Mapping[str, Any] | None:
    match form:
        case {"type": "json_schema", "schema": schema}:
            return dict(schema)
        case {"type": "json_object"}:
            return {}
    return None


def _names(tools: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for tool in tools:
        match tool:
            case {"type": "namespace" | "additional_tools", "tools": [*inner]}:
                yield from _names(inner)
            case {"type": "function" | "custom", "name": str(name)}:
                yield name


def call_for(step: Mapping[str, Any], tools: frozenset[str]) -> ToolCall:
    """What a step of the script is with these tools: of their own, or of the one that runs JavaScript."""
    match step:
        case {"tool": command} if "exec_command" in tools:
            return ToolCall(name="exec_command", arguments={"cmd": command})
        case {"tool": command} if "shell_command" in tools:
            return ToolCall(name="shell_command", arguments={"command": command})
        case {"tool": command} if "shell" in tools:
            return ToolCall(name="shell", arguments={"command": ["bash", "-lc", command]})
        case {"tool": command} if "exec" in tools:
            return ToolCall(name="exec", free_text=_script("exec_command", {"cmd": command}))
        case {"patch": patch} if "apply_patch" in tools:
            return ToolCall(name="apply_patch", free_text=patch)
        case {"patch": patch} if "exec" in tools:
            return ToolCall(name="exec", free_text=_script("apply_patch", patch))
        case {"patch": patch}:
            return call_for({"tool": f"apply_patch <<'THE END OF IT'\n{patch}\nTHE END OF IT\n"}, tools)
    raise NoToolError(f"the script wants {json.dumps(step)}, and the request offers {sorted(tools)}")


def _script(tool: str, argument: Any) -> str:
    return f"text(await tools.{tool}({json.dumps(argument)}));\n"


def whole(answer: Answer) -> dict[str, Any]:
    """An answer in one piece."""
    return _ended(answer)


def stream(answer: Answer, *, with_usage: bool) -> tuple[list[bytes], list[bytes]]:
    """The events of an answer: those that come while it grows, and those at its end."""
    # Nothing follows the last event, so a polite server that was cut says no more.
    begun = _response(answer, "in_progress")
    kinds = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun}), *_item(answer)]
    growing = [_event(kind, parts, number) for number, (kind, parts) in enumerate(kinds)]
    ended = _ended(answer)
    return growing, [_event(f"response.{ended['status']}", {"response": ended}, len(growing)), b""]


def failed(answer: Answer, code: str) -> dict[str, Any]:
    """An answer in one piece that failed in its middle."""
    return {**_response(answer, "failed"), "error": {"code": code, "message": "The model failed."}}


def failing(answer: Answer, code: str) -> bytes:
    """The event with which a stream fails in its middle."""
    growing, _ = stream(answer, with_usage=True)
    return _event("response.failed", {"response": failed(answer, code)}, len(growing))


def usage(used: Usage) -> dict[str, Any]:
    """The counts of a call."""
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }


def _response(answer: Answer, status: str) -> dict[str, Any]:
    over = status != "in_progress"
    return {
        "id": f"resp_{answer.number}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": answer.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage(answer.usage) if over and answer.usage is not None else None,
    }


def _ended(answer: Answer) -> dict[str, Any]:
    reason = INCOMPLETE.get(answer.finish)
    status = "completed" if reason is None else "incomplete"
    ended = {**_response(answer, status), "output": [_finished(answer, status)]}
    return ended if reason is None else {**ended, "incomplete_details": {"reason": reason}}


def _finished(answer: Answer, status: str) -> dict[str, Any]:
    """The one item of an answer, as it is when it is whole."""
    match answer.says:
        case ToolCall(free_text=str(text)):
            return {**_begun(answer), "status": status, "input": text}
        case ToolCall(arguments=arguments):
            return {**_begun(answer), "status": status, "arguments": json.dumps(arguments)}
    return {**_begun(answer), "status": status, "content": [_part(str(answer.says))]}


def _begun(answer: Answer) -> dict[str, Any]:
    match answer.says:
        case ToolCall(name=name, free_text=str()):
            kind = {"type": "custom_tool_call", "id": f"ctc_{answer.number}", "name": name, "input": ""}
        case ToolCall(name=name):
            kind = {"type": "function_call", "id": f"fc_{answer.number}", "name": name, "arguments": ""}
        case _:
            kind = {"type": "message", "id": f"msg_{answer.number}", "role": "assistant"}
            return {**kind, "status": "in_progress", "content": []}
    return {**kind, "call_id": f"call_{answer.number}", "status": "in_progress"}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events that make an item, from its place to the whole of it."""
    finished = _finished(answer, "incomplete" if answer.finish in INCOMPLETE else "completed")
    at = {"output_index": 0, "item_id": finished["id"]}
    yield "response.output_item.added", {"output_index": 0, "item": _begun(answer)}
    match answer.says:
        case ToolCall(free_text=str(text)):
            yield from (("response.custom_tool_call_input.delta", {**at, "delta": piece}) for piece in answer.pieces)
            yield "response.custom_tool_call_input.done", {**at, "input": text}
        case ToolCall(name=name):
            yield from (("response.function_call_arguments.delta", {**at, "delta": piece}) for piece in answer.pieces)
            yield "response.function_call_arguments.done", {**at, "name": name, "arguments": finished["arguments"]}
        case _:
            yield from _text_events({**at, "content_index": 0}, answer)
    yield "response.output_item.done", {"output_index": 0, "item": finished}


def _text_events(at: Mapping[str, Any], answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "response.content_part.added", {**at, "part": _part("")}
    yield from (("response.output_text.delta", {**at, "delta": piece, "logprobs": []}) for piece in answer.pieces)
    yield "response.output_text.done", {**at, "text": answer.says, "logprobs": []}
    yield "response.content_part.done", {**at, "part": _part(str(answer.says))}


def _event(kind: str, parts: Mapping[str, Any], number: int) -> bytes:
    said = {"type": kind, "sequence_number": number, **parts}
    return f"event: {kind}\ndata: {json.dumps(said)}\n\n".encode()
