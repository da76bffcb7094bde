"""Codex CLI as an agent: its settings, its command line and its own sandbox (codex 0.169).

Its settings keep it to the gateway: no update check, no telemetry, no plugins, no search of its own, few retries, and
none that waits for ever. Its shell commands do not see the run's token.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from koubou.backends.port import CannotServe
from koubou.backends.rooms import write
from koubou.backends.visit import LOG, Launch, Visit, command_of, hold, limits_of
from koubou.leash.holding import Leashes
from koubou.leash.orders import MEGABYTE, Why
from koubou.rules.agent_events import Seen
from koubou.rules.codex_events import read_event

_HOME = ".codex"
_TOKEN = "KOUBOU_TOKEN"  # noqa: S105 - the name of a variable
_SCHEMA = "schema.json"
_SILENCE = 300_000
"""Milliseconds that a stream may bring nothing: the model thinks."""

_SETTINGS = """\
model = {model}
model_provider = "koubou"
model_context_window = {context}
approval_policy = "never"
sandbox_mode = {sandbox}
check_for_update_on_startup = false
web_search = "disabled"
{effort}
[analytics]
enabled = false

[features]
plugins = false
apps = false
unbounded_connection_retries = false

[agents]
enabled = false

[shell_environment_policy]
inherit = "core"

[sandbox_workspace_write]
exclude_slash_tmp = {other_temporary}
exclude_tmpdir_env_var = false

[model_providers.koubou]
name = "koubou"
base_url = {base_url}
env_key = "{token}"
wire_api = "responses"
request_max_retries = 2
stream_max_retries = 2
stream_idle_timeout_ms = {silence}
"""


class Codex:
    """The program of executor `codex`. Whether its own sandbox works here is found out once."""

    name = "codex"
    kept: tuple[str, ...] = (f"{_HOME}/sessions",)

    def __init__(self) -> None:
        self._confines: bool | None = None

    def asks_more(self, body: Mapping[str, Any]) -> str:  # noqa: ARG002 - the port names it
        """Nothing: it takes a schema as a file."""
        return ""

    async def launch(self, visit: Visit, leashes: Leashes) -> Launch:
        """Raises CannotServe where neither its own sandbox nor ours would hold its commands."""
        home = os.path.join(visit.rooms.home, _HOME)
        os.makedirs(home, mode=0o700, exist_ok=True)
        settings = os.path.join(home, "config.toml")
        write(settings, _settings(visit, "workspace-write"))
        if self._confines is None:
            self._confines = await _confines(visit, leashes)
        if not self._confines:
            if not visit.manner.sandbox:
                message = f"tier {visit.tier.name}: the sandbox of codex does not work on this machine"
                raise CannotServe(message, "see stderr.txt of the run, or set sandbox: required for the tier")
            write(settings, _settings(visit, "danger-full-access"))
        return _launch(visit, *_arguments(visit))

    def read(self, event: Mapping[str, Any]) -> Seen:
        """See `rules.codex_events`."""
        return read_event(event)


def _settings(visit: Visit, sandbox: str) -> str:
    tier = visit.tier
    effort = f"model_reasoning_effort = {_quoted(tier.reasoning_effort)}\n" if tier.reasoning_effort else ""
    return _SETTINGS.format(
        model=_quoted(tier.model),
        context=tier.context_tokens,
        sandbox=_quoted(sandbox),
        effort=effort,
        # Behind our walls /tmp is the run's own; without them it is everybody's.
        other_temporary="false" if visit.manner.sandbox else "true",
        base_url=_quoted(f"{visit.base_url}/v1"),
        token=_TOKEN,
        silence=_SILENCE,
    )


def _quoted(text: str) -> str:
    """A TOML string: JSON's way of quoting is one of TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _arguments(visit: Visit) -> tuple[str, ...]:
    schema = _schema(visit.body)
    if schema is not None:
        write(os.path.join(visit.rooms.home, _HOME, _SCHEMA), json.dumps(schema))
    return (
        *("exec", "--strict-config", "--json", "--skip-git-repo-check"),
        *(("--output-schema", f"{visit.home}/{_HOME}/{_SCHEMA}") if schema is not None else ()),
        *(("resume", visit.session) if visit.session is not None else ()),
        "-",
    )


def _schema(body: Mapping[str, Any]) -> Any:
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return schema
    return None


def _launch(visit: Visit, *arguments: str) -> Launch:
    program = os.path.realpath(visit.manner.program)
    token = "" if visit.door is None else visit.door.token
    return Launch(
        argv=(program, *arguments),
        environment={"CODEX_HOME": f"{visit.home}/{_HOME}", _TOKEN: token},
        readable=(_installed(program),),
    )


def _installed(program: str) -> str:
    """What must be seen of it: its helpers lie beside the folder of the program."""
    folder, above = os.path.dirname(program), os.path.dirname(os.path.dirname(program))
    return above if os.path.basename(folder) == "bin" and os.path.dirname(above) != above else program


async def _confines(visit: Visit, leashes: Leashes) -> bool:
    """Whether it can confine a command here. A sandbox that does not work shows as failures of tools only."""
    launch = _launch(visit, "sandbox", "--", "true")
    command = command_of(visit, launch, stdout=LOG)
    limits = limits_of(visit, launch, output=MEGABYTE)
    ended = await hold(leashes, command, limits, lambda _data: False, None)
    return ended is not None and ended.why is Why.EXITED and ended.status == 0
