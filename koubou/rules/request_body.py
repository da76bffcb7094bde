"""What is sent to a model: the conversation of a request, and the body of a chat completion or of an Anthropic message.

Only the fields built here are ever sent. Anything that could hide input or fees is never sent, and what could raise
the price is pinned: one answer (`n: 1`), the standard service tier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from koubou.model.task import Attachment, TaskRequest
from koubou.model.tier import Tier
from koubou.rules.body_fields import Api

_AS_JSON = "\n\nAnswer as JSON by schema: "
"""No longer than the JSON around a message is, which the bound counts: so what is asked in words is bounded as well."""


def conversation(request: TaskRequest, inputs: Mapping[str, str]) -> list[dict[str, str]]:
    """The messages of a request. `inputs` are answers of earlier tasks by the names under `inputs:`.

    Attached files follow the prompt, or the last message of a given conversation.
    """
    messages = [{"role": "system", "content": request.system}] if request.system else []
    if request.messages:
        messages += [{"role": message.role, "content": message.content} for message in request.messages]
    else:
        messages.append({"role": "user", "content": request.prompt})
    if request.attachments:
        messages[-1]["content"] += "".join(map(_attached, request.attachments))
    if inputs:
        for message in messages:
            message["content"] = _fill(message["content"], inputs)
    return messages


def conversation_bytes(messages: Sequence[Mapping[str, str]], response_format: Mapping[str, Any] | None) -> int:
    """The length in bytes of a conversation as it travels: UTF-8 JSON, with the schema its answer must meet."""
    size = len(_json(messages))
    return size + len(_json(response_format)) if response_format else size


def conversation_growth(request: TaskRequest, answer_bytes: Mapping[str, int]) -> int:
    """By how many bytes answers of so many bytes (as UTF-8 JSON) lengthen a conversation, each where it is named."""
    total = 0
    for message in conversation(request, {}):
        for piece in message["content"].split("{{")[1:]:
            word, closed, _ = piece.partition("}}")
            if closed:
                total += answer_bytes.get(word.strip().removeprefix("inputs."), 0)
    return total


def chat_body(tier: Tier, request: TaskRequest, messages: Sequence[Mapping[str, str]], cap: int) -> dict[str, Any]:
    """The body for POST /chat/completions, streamed with usage; `cap` bounds the output tokens.

    OpenAI's own models take `max_completion_tokens` and a service tier; other servers know `max_tokens`.
    """
    body: dict[str, Any] = {
        "model": tier.model,
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tier.provider == "openai":
        body |= {"max_completion_tokens": cap, "n": 1, "service_tier": "default"}
    else:
        body["max_tokens"] = cap
    temperature = request.temperature if request.temperature is not None else tier.temperature
    optional = {"temperature": temperature, "top_p": tier.top_p, "reasoning_effort": tier.reasoning_effort}
    body |= {name: value for name, value in optional.items() if value is not None}
    if request.response_format:
        schema = {"name": "answer", "schema": dict(request.response_format)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def messages_body(tier: Tier, request: TaskRequest, messages: Sequence[Mapping[str, str]], cap: int) -> dict[str, Any]:
    """The body for POST /v1/messages of Anthropic, streamed; `cap` bounds the output tokens.

    What a system says stands apart there. A schema is asked for in words: as a field of its own it would have the
    provider add input that the request does not show.
    """
    system = [message["content"] for message in messages if message["role"] == "system"]
    turns = [dict(message) for message in messages if message["role"] != "system"]
    if request.response_format and turns:
        turns[-1]["content"] += _AS_JSON + _json(request.response_format).decode("utf-8", "surrogatepass")
    body: dict[str, Any] = {
        "model": tier.model,
        "max_tokens": cap,
        "messages": turns,
        "service_tier": "standard_only",
        "stream": True,
    }
    temperature = request.temperature if request.temperature is not None else tier.temperature
    effort = {"effort": tier.reasoning_effort} if tier.reasoning_effort else None
    system_text = "\n\n".join(system) or None
    optional = {"system": system_text, "temperature": temperature, "top_p": tier.top_p, "output_config": effort}
    return body | {name: value for name, value in optional.items() if value is not None}


def body_of(
    tier: Tier, request: TaskRequest, messages: Sequence[Mapping[str, str]], cap: int
) -> tuple[Api, dict[str, Any]]:
    """The request as a tier's executor takes it, and in which API: of all but `messages` as a chat completion."""
    if tier.executor == "messages":
        return "messages", messages_body(tier, request, messages, cap)
    return "chat", chat_body(tier, request, messages, cap)


def _attached(attachment: Attachment) -> str:
    return f"\n\n--- file: {attachment.name} ---\n{attachment.content}"


def _fill(text: str, inputs: Mapping[str, str]) -> str:
    """`{{ inputs.name }}` becomes that answer; an answer is never searched for further placeholders."""
    pieces = text.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        word, closed, rest = piece.partition("}}")
        name = word.strip().removeprefix("inputs.")
        known = closed and word.strip().startswith("inputs.") and name in inputs
        filled.append(inputs[name] + rest if known else "{{" + piece)
    return "".join(filled)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
