"""What an answer says: the script's step, the given text, the question's own, or as many words as tokens."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from simulated.behaviour import Behaviour
from simulated.words import Asked, ToolCall, Words

STREAMED_PIECES = 8


def compose(asked: Asked, behaviour: Behaviour, output_tokens: int, words: Words) -> str | ToolCall:
    """What is answered. Raises NoToolError for a step of the script that the request has no tool for."""
    if behaviour.script and output_tokens == behaviour.output_tokens:  # an answer that is capped gets to no step
        step = behaviour.script[min(asked.results, len(behaviour.script) - 1)]
        return str(step["say"]) if "say" in step else words.call_for(step, asked.tools)
    if behaviour.answer is not None:
        return behaviour.answer
    if asked.wanted is not None:
        return json.dumps(instance_of(asked.wanted)) if asked.wanted else '{"answer": "yes"}'
    if behaviour.echo:
        return asked.texts[-1]
    return " ".join(f"word{number}" for number in range(min(output_tokens, 500))) or "."


def in_pieces(says: str | ToolCall) -> Sequence[str]:
    """The same, as a stream brings it."""
    if not isinstance(says, ToolCall):
        text = says
    elif says.free_text is not None:
        text = says.free_text
    else:
        text = json.dumps(says.arguments)
    size = max(1, math.ceil(len(text) / STREAMED_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def instance_of(schema: Mapping[str, Any]) -> Any:
    """A small value that meets a plain JSON Schema."""
    match schema:
        case {"const": value}:
            return value
        case {"enum": [first, *_]}:
            return first
        case {"type": "object"} | {"properties": _}:
            return {name: instance_of(part) for name, part in schema.get("properties", {}).items()}
        case {"type": "array"}:
            return [instance_of(schema.get("items", {}))] * schema.get("minItems", 1)
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return True
        case {"type": "null"}:
            return None
    return "x" * schema.get("minLength", 5)
