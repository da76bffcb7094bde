"""Who serves the workshop, and how systemd sees it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from koubou import __version__
from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient
from koubou.cli.say import lasting
from koubou.config.unit import PLACE, drop_in
from koubou.rules.limits import AGENTS

SERVICE = Area("service")
_ASKED = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "UnitFileState",
    "NRestarts",
    "DropInPaths",
    "NeedDaemonReload",
)
_SYSTEMD_WITHIN = 2.0
_FOR_AGENTS = "agents.conf"
_OURS = ("settings.conf", _FOR_AGENTS)


def master(patient: Patient) -> Iterator[Finding]:
    """Whether one serves, of which version, since when, and whether it has stopped itself."""
    found = patient.master
    if found.forbidden:
        yield SERVICE.note(
            "master", "you may not ask it", "be in the group koubou-submit, or run koubou doctor as root"
        )
        return
    if found.state is None:
        if found.held:
            remedy = "see its journal (journalctl -u koubou); systemd's watchdog restarts one that hangs"
            yield SERVICE.error("master", f"it holds the workshop and does not answer: {found.why_silent}", remedy)
        else:
            remedy = "systemctl start koubou, or koubou serve"
            yield SERVICE.warning("master", "nobody serves the workshop: dropped files wait", remedy)
        return
    draining = ", draining" if found.state.get("draining") else ""
    since = lasting(found.state.get("uptime_ms", 0))
    says = f"process {found.pid}, version {found.version}, up {since}{draining}"
    if found.version != __version__:
        yield SERVICE.warning("master", f"{says}; this is {__version__}", "systemctl restart koubou, when it suits")
    else:
        yield SERVICE.ok("master", says)
    if found.state.get("emergency"):
        remedy = "koubou status says why; koubou budget resume --reason …"
        yield SERVICE.warning("emergency", "the workshop has stopped itself: nothing is begun", remedy)


def control_socket(patient: Patient) -> Iterator[Finding]:
    """Where the master is asked: only its group may."""
    path = f"{patient.layout.run}/control.sock"
    if not patient.master.held:
        return
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o007:
        says = f"{path} has mode {mode:04o}: anybody may talk to the master"
        yield SERVICE.error("socket", says, f"chmod 0660 {path}")
    else:
        yield SERVICE.ok("socket", f"{path}, mode {mode:04o}")


def unit(patient: Patient) -> Iterator[Finding]:
    """Whether systemd knows the service, how it fared, and whether the unit fits the settings."""
    if not os.path.isdir("/run/systemd/system") or shutil.which("systemctl") is None:
        yield SERVICE.note("unit", "systemd does not run here: see to restarts in another way")
        return
    told = _shown()
    if told.get("LoadState") != "loaded":
        yield SERVICE.note("unit", "there is no koubou.service", "sudo scripts/install --system (docs/operations.md)")
        return
    yield _state(told)
    if told.get("NeedDaemonReload") == "yes":
        yield SERVICE.warning("unit", "its file has changed since systemd read it", "systemctl daemon-reload")
    others = [name for path in told.get("DropInPaths", "").split() if (name := Path(path).name) not in _OURS]
    if others:
        yield SERVICE.note("drop-ins", f"lines of your own: {', '.join(others)}")
    yield from _fits(patient)
    yield from _lets_agents_in(patient, told)


CHECKS: tuple[Check, ...] = (master, control_socket, unit)


def _shown() -> Mapping[str, str]:
    command = ["systemctl", "show", "koubou.service", *(f"--property={name}" for name in _ASKED)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SYSTEMD_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def _state(told: Mapping[str, str]) -> Finding:
    state, restarts = f"{told.get('ActiveState')} ({told.get('SubState')})", told.get("NRestarts", "0")
    if told.get("ActiveState") == "failed":
        says = f"koubou.service has failed: {told.get('Result')}"
        return SERVICE.error("unit", says, "journalctl -u koubou -e; then systemctl restart koubou")
    if restarts != "0":
        says = f"koubou.service is {state}, and was restarted {restarts} times by itself"
        return SERVICE.warning("unit", says, "journalctl -u koubou says why")
    if told.get("UnitFileState") != "enabled":
        says = f"koubou.service is {state}, and not started at boot"
        return SERVICE.note("unit", says, "systemctl enable koubou")
    return SERVICE.ok("unit", f"koubou.service is {state}")


def _fits(patient: Patient) -> Iterator[Finding]:
    """The drop-in that follows from the settings, as it is and as it should be."""
    if patient.settings is None:
        return
    wanted = _lines(drop_in(patient.settings))
    try:
        there = _lines(Path(PLACE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = []
    if wanted == there:
        yield SERVICE.ok("unit fits", "the unit allows what the settings need")
    else:
        remedy = f"koubou check --unit > {PLACE} && systemctl daemon-reload && systemctl restart koubou"
        yield SERVICE.warning("unit fits", "the settings need other folders than the unit allows", remedy)


def _lets_agents_in(patient: Patient, told: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the unit lets sandboxes be made, where there are agents."""
    if not any(tier.executor.startswith(AGENTS) for tier in patient.tiers.values()):
        return
    if any(Path(path).name == _FOR_AGENTS for path in told.get("DropInPaths", "").split()):
        yield SERVICE.ok("unit for agents", "the unit lets agents have their sandboxes")
    else:
        says = (
            f"the settings have agents, and the unit lets no sandbox be made: {_FOR_AGENTS} is not among its drop-ins"
        )
        yield SERVICE.warning("unit for agents", says, "sudo scripts/install --system --agents (docs/agents.md)")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
