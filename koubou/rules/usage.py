"""What a provider says that a call used, in our words. Believed only where it makes sense, and then to the token.

What is missing or no count makes the whole unknown (None), and then the whole hold is settled. Where the parts
contradict their whole, the dearest reading counts: nobody is billed more, and what passes its hold is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from koubou.model.call import Usage

MOST_TOKENS = 1_000_000_000
"""No call uses so many; a server that says so is not believed."""


class _Unclear(Exception):
    """Something stands there that is no count."""


def chat_usage(usage: object) -> Usage | None:
    """Of an OpenAI chat completion: `prompt_tokens` includes cached ones, `completion_tokens` includes reasoning."""
    return _openai(usage, "prompt_tokens", "completion_tokens")


def dearest(one: Usage, other: Usage) -> Usage:
    """Of two words about the same call, the dearer of each part. Counts only grow along a stream."""
    return Usage(
        input_tokens=max(one.input_tokens, other.input_tokens),
        output_tokens=max(one.output_tokens, other.output_tokens),
        cached_input_tokens=min(one.cached_input_tokens, other.cached_input_tokens),
        cache_write_tokens=max(one.cache_write_tokens, other.cache_write_tokens),
        cache_write_1h_tokens=max(one.cache_write_1h_tokens, other.cache_write_1h_tokens),
        reasoning_tokens=max(one.reasoning_tokens, other.reasoning_tokens),
    )


def responses_usage(usage: object) -> Usage | None:
    """Of an OpenAI Responses answer: the same under other names."""
    return _openai(usage, "input_tokens", "output_tokens")


def messages_usage(usage: object) -> Usage | None:
    """Of an Anthropic message, whole: `input_tokens` EXCLUDES what was read from a cache or written to one."""
    try:
        return _anthropic(usage)
    except _Unclear:
        return None


class MessageStream(Struct, frozen=True, kw_only=True):
    """The usage of a streamed Anthropic message: `message_start` tells the input, `message_delta` all output so far.

    A stream that was cut before its first `message_delta` has none: what it began with is not what is billed.
    """

    start: object = None
    delta: object = None

    def after(self, event: object) -> MessageStream:
        """With what one more event of the stream says."""
        match event:
            case {"type": "message_start", "message": {"usage": usage}}:
                return MessageStream(start=usage, delta=self.delta)
            case {"type": "message_delta", "usage": usage}:
                return MessageStream(start=self.start, delta=usage)
            case _:
                return self

    @property
    def usage(self) -> Usage | None:
        """What was used in all, once the stream has come to its end."""
        if not isinstance(self.start, Mapping) or not isinstance(self.delta, Mapping):
            return None
        said = {name: value for name, value in self.delta.items() if value is not None}
        if "output_tokens" not in said:
            return None
        ended = messages_usage({**self.start, **said})
        begun = messages_usage({**self.start, "output_tokens": said["output_tokens"]})
        if begun is None or ended is None:
            return None
        # Counts only grow along a stream. Where the input shrank, nobody knows which end was wrong: the larger counts.
        return max(ended, begun, key=lambda usage: usage.input_tokens)


def _openai(usage: object, asked: str, answered: str) -> Usage | None:
    try:
        whole = _mapping(usage)
        read, written_out = _needed(whole, asked), _needed(whole, answered)
        inside = _mapping(whole.get(f"{asked}_details"))
        outside = _mapping(whole.get(f"{answered}_details"))
        cached, written = _count(inside, "cached_tokens"), _count(inside, "cache_write_tokens")
        reasoning = _count(outside, "reasoning_tokens")
        # Some servers leave reasoning out of the output and have it in the total (xAI), or nowhere but in the details.
        output = max(written_out, _count(whole, "total_tokens") - read)
        return _sane(
            Usage(
                # Parts that do not fit into the input cannot be part of it.
                input_tokens=read if cached + written <= read else read + cached + written,
                output_tokens=output if reasoning <= output else output + reasoning,
                cached_input_tokens=cached,
                cache_write_tokens=written,
                reasoning_tokens=reasoning,
            )
        )
    except _Unclear:
        return None


def _anthropic(usage: object) -> Usage | None:
    whole = _mapping(usage)
    fresh, output = _needed(whole, "input_tokens"), _needed(whole, "output_tokens")
    cached, told = _count(whole, "cache_read_input_tokens"), _count(whole, "cache_creation_input_tokens")
    parts = _mapping(whole.get("cache_creation"))
    five_minutes, hour = _count(parts, "ephemeral_5m_input_tokens"), _count(parts, "ephemeral_1h_input_tokens")
    # What is written for nobody knows how long may have been written for the dearer hour.
    hour += max(0, told - five_minutes - hour)
    written = five_minutes + hour
    return _sane(
        Usage(
            input_tokens=fresh + cached + written,
            output_tokens=output,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            cache_write_1h_tokens=hour,
        )
    )


def _mapping(value: object) -> Mapping[str, Any]:
    """Nothing said is nothing used; raises _Unclear for what says something in another way."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _Unclear
    return value


def _needed(values: Mapping[str, Any], name: str) -> int:
    if values.get(name) is None:
        raise _Unclear
    return _count(values, name)


def _count(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:  # the exact type: a bool is no number here
        raise _Unclear
    return value


def _sane(usage: Usage) -> Usage | None:
    return usage if max(usage.input_tokens, usage.output_tokens) <= MOST_TOKENS else None


def kinds_of_tokens(usage: Usage | None) -> Mapping[str, int]:
    """What was used, each token once: input that was neither cached nor written, output that was no reasoning."""
    if usage is None:
        return {}
    kept = usage.cached_input_tokens + usage.cache_write_tokens
    return {
        "input_tokens": max(0, usage.input_tokens - kept),
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": max(0, usage.output_tokens - usage.reasoning_tokens),
        "reasoning_tokens": usage.reasoning_tokens,
    }
