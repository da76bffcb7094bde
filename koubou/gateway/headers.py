"""Which headers go to a provider and which come back: built anew from lists, never passed on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from koubou.rules.body_fields import Api

_BETAS = frozenset(
    {
        "claude-code-20250219",
        "effort-2025-11-24",
        "extended-cache-ttl-2025-04-11",
        "fine-grained-tool-streaming-2025-05-14",
        "interleaved-thinking-2025-05-14",
        "mid-conversation-tool-changes-2026-07-01",
        "prompt-caching-2024-07-31",
        "thinking-display-updates-2026-08-18",
        "thinking-token-count-2026-05-13",
        "token-efficient-tools-2025-02-19",
    }
)
"""What Anthropic's betas may be on: those that change neither the price nor what is read."""
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")
_USUAL_VERSION = "2023-06-01"
_BACK = frozenset({"content-type", "request-id", "x-request-id", "retry-after", "retry-after-ms", "x-should-retry"})
_BACK_FAMILIES = ("x-ratelimit-", "anthropic-ratelimit-", "openai-processing-ms", "openai-version")

Headers = Mapping[str, str] | CIMultiDict[str] | CIMultiDictProxy[str]


def to_provider(api: Api, asked: Headers, key: str | None, *, streamed: bool) -> dict[str, str]:
    """The headers of a call, with the real key."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if streamed else "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "koubou",
    }
    if api != "messages":
        return headers | ({"Authorization": f"Bearer {key}"} if key else {})
    version = asked.get("anthropic-version", "")
    headers["anthropic-version"] = version if _VERSION.fullmatch(version) else _USUAL_VERSION
    betas = [beta for each in asked.get("anthropic-beta", "").split(",") if (beta := each.strip()) in _BETAS]
    return headers | ({"anthropic-beta": ",".join(betas)} if betas else {}) | ({"x-api-key": key} if key else {})


def to_agent(answered: Headers) -> dict[str, str]:
    """The headers of an answer that the agent sees."""
    return {
        name: value
        for name, value in answered.items()
        if (low := name.lower()) in _BACK or low.startswith(_BACK_FAMILIES)
    }
