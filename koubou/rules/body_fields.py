"""The guard at the last door: which fields a request to a model may have, so that its bound is a bound.

A list of what is allowed, never of what is forbidden: a provider's next fee hides in a field that nobody knows yet.
What must be there is for the caller to put in and to compare: the model, an output cap, and the service tier where the
provider has several.

Encrypted reasoning items and signed thinking blocks pass: they are a model's own words of this conversation, given
back, and taken to be no longer in tokens than they are in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from koubou.rules.body_checks import (
    Check,
    an_object,
    an_object_of,
    anything,
    cap,
    each,
    flag,
    kinds,
    members,
    only,
    plain,
    text,
    text_or,
)

Api = Literal["chat", "responses", "messages"]


def refused_field(api: Api, body: Mapping[str, Any]) -> str | None:
    """The first field of a request body that may not be sent, with the reason; None where all may."""
    return members(body, FIELDS[api], REASONS)


def _reasoning(value: Any) -> str | None:
    if value.get("id") is not None and not value.get("encrypted_content"):
        # The provider would look it up.
        return "has a reasoning item by its id only, which brings in input that the request does not show"
    return an_object_of("id", "summary", "content", "encrypted_content", "status")(value)


def _message(value: Any) -> str | None:
    if value.get("id") is not None and value.get("content") is None:
        # Without a type it is a reference to an item that the provider has kept.
        return "has a message by its id only, which brings in input that the request does not show"
    return _MESSAGE(value)


# OpenAI: chat completions, which other servers speak as well

_FUNCTION = an_object(name=text, description=text, parameters=anything, strict=flag)
_CHAT_PART = kinds("part", text=an_object(text=text), refusal=an_object(refusal=text))
_CHAT_CALL = kinds(
    "tool call",
    "function",
    function=an_object(id=text, index=plain, function=an_object_of("name", "arguments")),
    custom=an_object(id=text, custom=an_object_of("name", "input")),
)
_CHAT_MESSAGE = an_object(
    role=text,
    content=text_or(each(_CHAT_PART)),
    name=text,
    refusal=text,
    reasoning_content=text,
    tool_call_id=text,
    tool_calls=each(_CHAT_CALL),
)
_SCHEMA = {"name": text, "description": text, "schema": anything, "strict": flag}
_FORMATS = {"text": an_object(), "json_object": an_object()}
_SHARED: Mapping[str, Check] = {
    "metadata": anything,
    "model": text,
    "parallel_tool_calls": flag,
    "prompt_cache_key": text,
    "safety_identifier": text,
    "service_tier": only("default"),
    "store": only(False, None),
    "stream": flag,
    "temperature": plain,
    "tool_choice": anything,
    "top_logprobs": plain,
    "top_p": plain,
    "user": text,
}
_CHAT: Mapping[str, Check] = {
    **_SHARED,
    "frequency_penalty": plain,
    "logit_bias": anything,
    "logprobs": flag,
    "max_completion_tokens": cap,
    "max_tokens": cap,
    "messages": each(_CHAT_MESSAGE),
    "modalities": only(["text"], None),
    "n": only(1),
    "presence_penalty": plain,
    "reasoning_effort": text,
    "response_format": kinds("format", json_schema=an_object(json_schema=an_object(**_SCHEMA)), **_FORMATS),
    "seed": plain,
    "stop": anything,
    "stream_options": an_object(include_usage=flag, include_obfuscation=flag),
    "tools": each(kinds("tool", function=an_object(function=_FUNCTION), custom=an_object(custom=anything))),
    "verbosity": text,
}

# OpenAI: Responses

_RESPONSES_PART = kinds(
    "part",
    input_text=an_object(text=text),
    output_text=an_object(text=text, annotations=anything, logprobs=anything),
    refusal=an_object(refusal=text),
)
_CALL = {"id": text, "call_id": text, "name": text, "status": text}
_OUTPUT = an_object(id=text, call_id=text, status=text, output=text_or(each(_RESPONSES_PART)))
_OWN_TOOL: Mapping[str, Check] = {
    "function": an_object(name=text, description=text, parameters=anything, strict=flag),
    "custom": an_object(name=text, description=text, format=anything),
}
_SPACE = an_object(name=text, description=text, tools=each(kinds("tool", **_OWN_TOOL)))
_RESPONSES_TOOL = kinds("tool", **_OWN_TOOL, namespace=_SPACE)
_MESSAGE = an_object(id=text, role=text, status=text, phase=text, content=text_or(each(_RESPONSES_PART)))
_RESPONSES_ITEM = kinds(
    "item",
    "message",
    additional_tools=an_object(id=text, role=text, tools=each(_RESPONSES_TOOL)),
    message=_message,
    function_call=an_object(**_CALL, arguments=text),
    function_call_output=_OUTPUT,
    custom_tool_call=an_object(**_CALL, input=text),
    custom_tool_call_output=_OUTPUT,
    reasoning=_reasoning,
)
_RESPONSES: Mapping[str, Check] = {
    **_SHARED,
    "include": each(only("reasoning.encrypted_content", "message.output_text.logprobs")),
    "input": text_or(each(_RESPONSES_ITEM)),
    "instructions": text,
    "max_output_tokens": cap,
    "max_tool_calls": plain,
    # `context` says how much of the reasoning that stands in the request is read.
    "reasoning": an_object_of("effort", "summary", "generate_summary", "context"),
    "stream_options": an_object(include_obfuscation=flag),
    "text": an_object(verbosity=text, format=kinds("format", json_schema=an_object(**_SCHEMA), **_FORMATS)),
    "tools": each(_RESPONSES_TOOL),
    "truncation": only("disabled", None),
}

# Anthropic: messages

_CACHED = an_object(type=only("ephemeral"), ttl=only("5m", "1h"))
_BLOCK_OF_TEXT = an_object(text=text, cache_control=_CACHED)
_ONLY_TEXT = text_or(each(kinds("block", text=_BLOCK_OF_TEXT)))
_BLOCK = kinds(
    "block",
    text=_BLOCK_OF_TEXT,
    thinking=an_object(thinking=text, signature=text),
    redacted_thinking=an_object(data=text),
    tool_use=an_object(id=text, name=text, input=anything, cache_control=_CACHED),
    tool_result=an_object(tool_use_id=text, content=_ONLY_TEXT, is_error=flag, cache_control=_CACHED),
)
_MESSAGES: Mapping[str, Check] = {
    "cache_control": _CACHED,
    "max_tokens": cap,
    "messages": each(an_object(role=text, content=text_or(each(_BLOCK)))),
    "metadata": an_object(user_id=text),
    "model": text,
    "output_config": an_object(effort=text),
    "service_tier": only("standard_only"),
    "stop_sequences": anything,
    "stream": flag,
    "system": _ONLY_TEXT,
    "temperature": plain,
    "thinking": an_object(type=text, budget_tokens=cap, display=plain),
    "tool_choice": an_object_of("type", "name", "disable_parallel_tool_use"),
    "tools": each(
        kinds(
            "tool",
            "custom",
            custom=an_object(name=text, description=text, input_schema=anything, strict=flag, cache_control=_CACHED),
        )
    ),
    "top_k": plain,
    "top_p": plain,
}

FIELDS: Mapping[Api, Mapping[str, Check]] = {"chat": _CHAT, "responses": _RESPONSES, "messages": _MESSAGES}
"""What may be sent, by API."""

REASONS: Mapping[Any, str] = {
    "anthropic_beta": "may change what is billed",
    "audio": "is priced in another way than text",
    "background": "leaves an answer under way, and billed, that nobody waits for",
    "best_of": "bills answers that are not shown",
    "betas": "may change what is billed",
    "container": "brings in input that the request does not show, and has a fee",
    "context_management": "may have the provider ask its model once more",
    "conversation": "brings in input that the request does not show",
    "inference_geo": "raises the price",
    "mcp_servers": "has the provider call tools, and its model again, at our cost",
    "prediction": "bills tokens of the prediction that are not in the answer",
    "previous_response_id": "brings in input that the request does not show",
    "prompt": "brings in input that the request does not show",
    "speed": "raises the price",
    "web_search_options": "has a fee for each search",
}
"""Why the best known of the others are not on the list."""
