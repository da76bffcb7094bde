"""What of a part of an agent's request is looked at for secrets: its words, but for what is a secret of its own run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from koubou.rules.classify import as_lines

_OF_THE_PROVIDER = frozenset({"encrypted_content", "signature", "cache_control"})
"""What only the provider can read or has made itself."""
_DEEPEST = 32
_MADE_FOR_THE_RUN = re.compile(r"(\bCLAUDE_CODE_MESSAGING_TOKEN[\"']?[=:] ?[\"']?)[0-9a-f]{32}(?![0-9A-Za-z])")
"""What Claude Code draws anew whenever it starts, for a socket of its own in the sandbox; 2.1 does."""
_BLANK = "***"


def text_of(value: Any) -> str:
    """Its words as lines `name: value`; JSON within a text (what a tool is called with) is opened."""
    if not isinstance(value, str | Mapping | list):
        return ""
    opened = _opened(value, 0)
    return opened if isinstance(opened, str) else as_lines({"": opened})


def without_own(text: str, token: str) -> str:
    """A text without the token of its run and what the agent has drawn for itself: what `env` prints is no leak."""
    return _MADE_FOR_THE_RUN.sub(rf"\g<1>{_BLANK}", text.replace(token, _BLANK))


def _opened(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return json.dumps(value)
    match value:
        case {"type": "redacted_thinking"}:
            return ""
        case Mapping():
            return {
                str(name): _opened(member, depth + 1) for name, member in value.items() if name not in _OF_THE_PROVIDER
            }
        case list():
            return [_opened(each, depth + 1) for each in value]
        case str() if value[:1] in ("{", "["):
            parsed = _parsed(value)
            return value if parsed is None else _opened(parsed, depth + 1)
        case _:
            return value


def _parsed(text: str) -> Any:
    """What a text says as JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
