"""Claude Code as an agent: its environment and its command line (Claude Code 2.1).

Every model that it may ask for is pinned to the tier's, what it sends elsewhere is switched off, and a stream that has
fallen silent is given up. Its shell sees the run's token, which is good for nothing but the run's own calls.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

from koubou.backends.visit import Launch, Visit
from koubou.leash.holding import Leashes
from koubou.rules.agent_events import Seen
from koubou.rules.claude_events import read_event

_HOME = ".claude"
_SILENCE = "300000"
"""Milliseconds that a stream may bring nothing: the model thinks."""
_LONGEST_CALL = "600000"
"""Milliseconds of one call with what it waits at the gate."""

_SETTINGS: Mapping[str, str] = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_NON_ESSENTIAL_MODEL_CALLS": "1",
    "CLAUDE_CODE_MAX_RETRIES": "2",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_ENABLE_BYTE_WATCHDOG": "1",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": _SILENCE,
    "API_TIMEOUT_MS": _LONGEST_CALL,
}
_MODELS = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)
_PERMITTED = "Bash,Edit,MultiEdit,NotebookEdit,Write"
_ELSEWHERE = "WebFetch,WebSearch"
_AS_JSON = "\nAnswer with JSON only, by this schema: "


class Claude:
    """The program of executor `claude`."""

    name = "claude"
    kept: tuple[str, ...] = (f"{_HOME}/projects",)

    def asks_more(self, body: Mapping[str, Any]) -> str:
        """A schema, in words: its own way to ask for one takes further calls."""
        match body.get("response_format"):
            case {"type": "json_schema", "json_schema": {"schema": schema}}:
                return _AS_JSON + json.dumps(schema, ensure_ascii=False) + "\n"
        return ""

    async def launch(self, visit: Visit, leashes: Leashes) -> Launch:  # noqa: ARG002 - the port names it
        """It writes its own folder; all that it is told stands in its environment and arguments."""
        program = os.path.realpath(visit.manner.program)
        return Launch(
            argv=(program, *_arguments(visit)),
            environment=_environment(visit),
            readable=(program,),
            # Asked so it ends in order, and says what it used.
            signal=signal.SIGINT,
        )

    def read(self, event: Mapping[str, Any]) -> Seen:
        """See `rules.claude_events`."""
        return read_event(event)


def _arguments(visit: Visit) -> tuple[str, ...]:
    tier = visit.tier
    free = ("--dangerously-skip-permissions",)
    careful = ("--permission-mode", "acceptEdits", "--allowedTools", _PERMITTED)
    return (
        *("-p", "--output-format", "stream-json", "--verbose"),
        *("--setting-sources", "", "--strict-mcp-config"),
        *("--disallowedTools", _ELSEWHERE),
        *(free if visit.manner.sandbox else careful),
        *("--model", tier.model),
        *(("--effort", tier.reasoning_effort) if tier.reasoning_effort is not None else ()),
        *(("--resume", visit.session) if visit.session is not None else ()),
    )


def _environment(visit: Visit) -> dict[str, str]:
    own = {
        "CLAUDE_CONFIG_DIR": f"{visit.home}/{_HOME}",
        "ANTHROPIC_BASE_URL": visit.base_url,
        "ANTHROPIC_API_KEY": "" if visit.door is None else visit.door.token,
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(visit.tier.max_output_tokens),
    }
    if visit.manner.sandbox:
        own["IS_SANDBOX"] = "1"
    return {**_SETTINGS, **dict.fromkeys(_MODELS, visit.tier.model), **own}
