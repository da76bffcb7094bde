"""What a provider says of its own limits in the headers of an answer: how long there is nothing left.

OpenAI: `x-ratelimit-remaining-requests: 0` with `x-ratelimit-reset-requests: 6m0s`; Anthropic:
`anthropic-ratelimit-tokens-remaining: 0` with `anthropic-ratelimit-tokens-reset: 2026-12-01T09:00:00Z`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant, Milliseconds, instant
from koubou.rules.provider_errors import LONGEST_WAIT

_PAIRS = (
    *((f"x-ratelimit-remaining-{what}", f"x-ratelimit-reset-{what}") for what in ("requests", "tokens")),
    *(
        (f"anthropic-ratelimit-{what}-remaining", f"anthropic-ratelimit-{what}-reset")
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
)
_UNITS: Mapping[str, Milliseconds] = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,5}")
_PART = re.compile(r"([\d.]+)(ms|s|m|h|d)")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def quiet_for(headers: Mapping[str, str], now: Instant) -> Milliseconds | None:
    """How long nothing is left of what the provider allows; None where something is. Header names are lower case."""
    waits = [
        wait
        for left, reset in _PAIRS
        if headers.get(left, "").strip() == "0" and (wait := _wait(headers.get(reset, "").strip(), now)) is not None
    ]
    longest = min(max(waits, default=0), LONGEST_WAIT)
    return longest if longest > 0 else None


def _wait(text: str, now: Instant) -> Milliseconds | None:
    if _DURATION.fullmatch(text):
        return round(sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)))
    if _NUMBER.fullmatch(text):
        return round(float(text) * SECOND)
    try:
        return instant(datetime.fromisoformat(text)) - now
    except ValueError:
        return None
