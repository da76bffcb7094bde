"""What is asked of the provider and what it answers, whichever API's words it is said in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class NoToolError(Exception):
    """A step of the script that the tools of this request cannot do."""


class RefusedError(Exception):
    """A request that a real provider answers with 400, and what it says."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request.

    `texts` has one for each message, `extras` are the schemas and tools; both are billed. `wanted` is the schema that
    the answer is to meet, {} for any object. `results` says how many results of tools the conversation has already.
    """

    model: str
    streamed: bool
    cap: int | None
    texts: Sequence[str]
    extras: Sequence[str] = ()
    wanted: Mapping[str, Any] | None = None
    tools: frozenset[str] = frozenset()
    results: int = 0
    with_usage: bool = True


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of a call. What was cached and written is part of the input, what was reasoned is part of the output."""

    input: int
    output: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A tool that the program is to use: with named arguments, or with one text of no form."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    free_text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said, and how it ends: stop, length, tool_calls, content_filter or a word of the API itself."""

    number: int
    model: str
    says: str | ToolCall
    pieces: Sequence[str]
    finish: str
    usage: Usage | None
    count_along: bool = False


class Words(Protocol):
    """One API, as its module speaks it."""

    def asked(self, body: Mapping[str, Any], betas: str) -> Asked:
        """Read a request. Raises RefusedError where a real provider would not take it."""

    def call_for(self, step: Mapping[str, Any], tools: frozenset[str]) -> ToolCall:
        """What a step of the script is with these tools. Raises NoToolError."""

    def whole(self, answer: Answer) -> dict[str, Any]:
        """An answer in one piece."""

    def stream(self, answer: Answer, *, with_usage: bool) -> tuple[list[bytes], list[bytes]]:
        """The events of an answer: those that come while it grows, and those at its end.

        The last one is what a polite server still says when it was cut.
        """

    def error(self, status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
        """A refusal."""

    def failed(self, answer: Answer, code: str) -> dict[str, Any] | None:
        """An answer in one piece that failed in its middle; None where that can only be a refusal."""

    def failing(self, answer: Answer, code: str) -> bytes:
        """The event with which a stream fails in its middle."""


def text_of(content: Any) -> str:
    """The text of a message's content, as it is counted."""
    content = content or ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
