"""What the service's unit must allow, as far as it follows from the settings: a drop-in for systemd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from koubou.config.settings import Settings
from koubou.rules.limits import AGENTS

PLACE = "/etc/systemd/system/koubou.service.d/settings.conf"
_USUAL_HOME = "/var/koubou"
_USUAL_CACHE = "/var/cache/koubou"
_HIDDEN = tuple(PurePosixPath(place) for place in ("/home", "/root", "/run/user"))
"""What ProtectHome= keeps from a service."""


def drop_in(settings: Settings) -> str:
    """The text of the drop-in; it has no section where the unit's own lines are enough."""
    lines = [
        *_home(settings.home),
        *_models(settings.embedded.models_dir),
        *_workspaces(settings.security.allowed_workspaces, _changed_in_place(settings)),
    ]
    head = [
        "# Rendered from the settings: koubou check --unit. Do not edit; `systemctl edit koubou` keeps your own lines.",
        "# After a change of home, embedded.models_dir, security.allowed_workspaces or of agents: render it anew to",
        f"# {PLACE}, then: systemctl daemon-reload && systemctl restart koubou.",
        "# `koubou doctor` tells when that is due.",
    ]
    return "\n".join([*head, *(["", "[Service]", *dict.fromkeys(lines)] if lines else [])]) + "\n"


def _home(home: str) -> list[str]:
    if home == _USUAL_HOME:
        return []
    socket = _quoted(f"{home}/run/control.sock").replace("$", "$$")
    return [
        f"WorkingDirectory={_percent(home)}",
        *_writable(home),
        "ExecStartPost=",
        f"ExecStartPost=/bin/ln -sfn {socket} /run/koubou/control.sock",
    ]


def _models(folder: str | None) -> list[str]:
    if folder is None or _is_beneath(folder, (PurePosixPath(_USUAL_CACHE),)):
        return []
    return _writable(folder)


def _changed_in_place(settings: Settings) -> bool:
    """Whether some agent may change a workspace itself; all others work on copies, which only read it."""
    agents = [tier for tier in settings.tiers.values() if tier.executor.startswith(AGENTS)]
    return any(settings.agents.in_place if tier.agent.in_place is None else tier.agent.in_place for tier in agents)


def _workspaces(folders: Sequence[str], changed: bool) -> list[str]:
    """What tasks name is read there, which of /srv and the like can always be."""
    lines = []
    for folder in folders:
        if changed:
            lines += _writable(folder)
        elif _is_beneath(folder, _HIDDEN):
            lines += ["ProtectHome=tmpfs", f"BindReadOnlyPaths={_quoted(f'-{folder}')}"]
    return lines


def _writable(folder: str) -> list[str]:
    if _is_beneath(folder, _HIDDEN):
        return ["ProtectHome=tmpfs", f"BindPaths={_quoted(f'-{folder}')}"]
    return [f"ReadWritePaths={_quoted(f'-{folder}')}"]


def _is_beneath(folder: str, places: Sequence[PurePosixPath]) -> bool:
    path = PurePosixPath(folder)
    return any(path == place or place in path.parents for place in places)


def _quoted(path: str) -> str:
    """As systemd.syntax(7) takes a path in a list of them."""
    plain = _percent(path)
    if plain.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum():
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _percent(path: str) -> str:
    return path.replace("%", "%%")
