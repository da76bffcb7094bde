"""The tiers and routing that hold where no file names any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from koubou.rules.suited import IN_A_FOLDER

SYSTEM_FILE = Path("/etc/koubou/koubou.yaml")

_GPT5: Mapping[str, Any] = {
    "reach": "cloud",
    "provider": "openai",
    "base_url": "https://api.openai.com/v1",
    "model": "gpt-5",
    "api_key": {"env": "OPENAI_API_KEY"},
    "context_tokens": 128_000,
    "max_output_tokens": 16_000,
}

TIERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "gpt5_high": {
            **_GPT5,
            "reasoning_effort": "high",
            "rate": {"requests_per_minute": 10},
            "retry_delay": "30s",
            "fallback": "gpt5_medium",
        },
        "gpt5_medium": {
            **_GPT5,
            "reasoning_effort": "medium",
            "rate": {"requests_per_minute": 30},
            "retry_delay": "10s",
            "fallback": "local",
        },
        "local": {
            "reach": "local",
            "base_url": "http://localhost:1234/v1",
            "model": "gpt-oss-20b",
            "context_tokens": 8192,
            "price": {"input": 0, "output": 0},
        },
    }
)

ROUTING: Mapping[str, str] = MappingProxyType({"high": "gpt5_high", "medium": "gpt5_medium", "low": "local"})


def routing(tiers: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Which tier serves which difficulty: as given, else the built-in name, else by the order of the tiers.

    Tiers are taken as strongest first; easy tasks go to the first local one, if there is any. Agents get what asks for
    them or works in a folder (`rules.suited`), and all else only where there is nobody but them.
    """
    plain = [name for name, tier in tiers.items() if not _is_agent(tier)] or list(tiers)
    local = [name for name in plain if isinstance(tiers[name], Mapping) and tiers[name].get("reach") == "local"]
    low = local[0] if local else plain[-1]
    others = [name for name in plain if name != low] or [low]
    found = {"high": others[0], "medium": others[min(1, len(others) - 1)], "low": low}
    for difficulty, name in ROUTING.items():
        if name in tiers:
            found[difficulty] = name
    return {**found, **given}


def _is_agent(tier: object) -> bool:
    return isinstance(tier, Mapping) and tier.get("executor") in IN_A_FOLDER
