"""Where the server of a tier lists its models, and what it is to be asked with: at no cost, to see how it is."""

from __future__ import annotations

from collections.abc import Mapping

from koubou.model.tier import Tier

_OF_ANTHROPIC = ("messages", "claude")
LISTING = ("chat", "codex", *_OF_ANTHROPIC)
"""Executors whose servers keep such a list."""
_ANTHROPIC_VERSION = "2026-10-21"
"""Of the API, as the `anthropic` library says it."""


def root_of(tier: Tier) -> str:
    """The address below which a tier's API lies; Anthropic's own name for it has no version in it, and may have one."""
    root = tier.base_url.rstrip("/")
    return root.removesuffix("/v1") if tier.executor in _OF_ANTHROPIC else root


def models_address(tier: Tier) -> str:
    """Where its models are listed."""
    return f"{root_of(tier)}/v1/models" if tier.executor in _OF_ANTHROPIC else f"{root_of(tier)}/models"


def headers_of(tier: Tier, key: str | None) -> Mapping[str, str]:
    """What goes along with the question."""
    headers = {"Accept": "application/json"}
    if tier.executor in _OF_ANTHROPIC:
        return headers | {"anthropic-version": _ANTHROPIC_VERSION} | ({"x-api-key": key} if key else {})
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})
