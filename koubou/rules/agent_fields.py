"""What of an agent's request is not passed on as it comes: fields left out, fields pinned, the output cap put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.model.tier import Tier
from koubou.rules.body_fields import Api

CONVERSATION: Mapping[Api, str] = {"chat": "messages", "responses": "input", "messages": "messages"}
"""Where the list of what was said stands."""

CAPS: Mapping[Api, tuple[str, ...]] = {
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
    "messages": ("max_tokens",),
}
"""How an agent says how much may be answered."""

_SESSION = "names the machine, the session or the person, which is nobody's concern"
LEFT_OUT: Mapping[Api, Mapping[str, str]] = {
    "chat": {"metadata": _SESSION},
    "responses": {"client_metadata": _SESSION, "metadata": _SESSION},
    "messages": {
        "context_management": "edits at the provider what is read; without it all is read, and all is held for",
        "diagnostics": _SESSION,
        "metadata": _SESSION,
    },
}
"""Fields that programs send, that are not sent on, and that nobody misses; with the reason."""

_LEFT_OUT_OF_TOOLS = frozenset({"defer_loading", "eager_input_streaming"})
"""A tool that is loaded later would be read as often as it is named; without the word it is read once."""

_LEAST_BUDGET = 1024
"""Anthropic's least `thinking.budget_tokens`, which must also stay below `max_tokens`."""

FLEETING = frozenset(
    {"prompt_cache_key", "safety_identifier", "store", "stream", "stream_options", "user", *sum(CAPS.values(), ())}
)
"""Fields that change nothing of what a model reads."""


def is_left_out(api: Api, field: str) -> bool:
    """Whether the agent's own word for it is not sent: it is of no use, or ours stands in its place."""
    return field in LEFT_OUT[api] or field in CAPS[api] or field in _PINNED[api]


def pinned(api: Api, tier: Tier) -> Mapping[str, Any]:
    """What is sent whatever the agent says, so that the price is the one that was held for."""
    match api:
        case "chat" if tier.provider == "openai":
            return {"service_tier": "default", "store": False}
        case "responses" if tier.provider == "openai":
            return {"service_tier": "default", "store": False}
        case "responses":
            return {"store": False}
        case "messages":
            return {"service_tier": "standard_only"}
        case _:
            return {}


_PINNED: Mapping[Api, frozenset[str]] = {
    "chat": frozenset({"service_tier", "store", "stream_options"}),
    "responses": frozenset({"service_tier", "store"}),
    "messages": frozenset({"service_tier", "thinking"}),
}
"""Where the agent's word does not count. How many answers it wants does: two for one would be another request."""


def capped(api: Api, tier: Tier, cap: int, thinking: object) -> Mapping[str, Any]:
    """The fields that the output cap decides. `thinking` is what an agent says of it to Anthropic."""
    if api == "messages":
        return {"max_tokens": cap} | ({} if thinking is None else {"thinking": _thinking(thinking, cap)})
    if api == "responses":
        return {"max_output_tokens": cap}
    return {"max_completion_tokens" if tier.provider == "openai" else "max_tokens": cap}


def without_extras(api: Api, field: str, value: Any) -> Any:
    """The same without what is left out of tools."""
    if api != "messages" or field != "tools" or not isinstance(value, list):
        return value
    return [
        {name: member for name, member in tool.items() if name not in _LEFT_OUT_OF_TOOLS}
        if isinstance(tool, Mapping)
        else tool
        for tool in value
    ]


def without_marks(value: Any) -> Any:
    """The same without the marks that say what is to be cached: they change what it costs, never what is read."""
    match value:
        case Mapping():
            return {name: without_marks(member) for name, member in value.items() if name != "cache_control"}
        case list():
            return [without_marks(each) for each in value]
        case _:
            return value


def _thinking(asked: Any, cap: int) -> Any:
    match asked:
        case {"type": "enabled", "budget_tokens": int(budget)} if budget >= cap:
            return {**asked, "budget_tokens": cap - 1} if cap > _LEAST_BUDGET else {"type": "disabled"}
        case _:
            return asked
