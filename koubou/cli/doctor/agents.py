"""Whether agents can be run: their programs, the sandbox that keeps them in, git for what they change."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping

from koubou.cli.doctor.finding import Area, Check, Finding
from koubou.cli.doctor.patient import Patient
from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS as EXECUTORS
from koubou.rules.suited import IN_A_FOLDER
from koubou.sandbox.preflight import why_not
from koubou.sandbox.walls import HOME, NoWall, Walls, walled

AGENTS = Area("agents")
_VERSION_WITHIN = 10.0
"""Seconds; the programs are large, and the first time comes from the disk."""
_LONGEST = 100
_INSTALL = "scripts/agents installs Codex CLI and Claude Code, or name the file as agents.programs"


def sandbox(patient: Patient) -> Iterator[Finding]:
    """Whether walls can be put up, tried here and now; a service may do less, by its unit."""
    if not any(tier.agent is not None and tier.agent.sandbox for tier in patient.tiers.values()):
        return
    trouble = why_not()
    if trouble is not None:
        yield AGENTS.error("sandbox", "no agent can be run as the settings want it", trouble)
    else:
        yield AGENTS.ok("sandbox", "bubblewrap works")


def programs(patient: Patient) -> Iterator[Finding]:
    """The program of each agent with its version, run where it reaches nothing."""
    for program, names in _programs(patient.tiers).items():
        of = ", ".join(names)
        if not program:
            yield AGENTS.warning("program", f"there is none for {of}", _INSTALL)
        elif (version := _version(program)) is None:
            says = f"{program} of {of} does not say its version within a sandbox"
            yield AGENTS.warning("program", says, "see whether it runs: it must be the native file")
        else:
            yield AGENTS.ok("program", f"{version} ({program}), of {of}")


def git(patient: Patient) -> Iterator[Finding]:
    """Without it nobody says what an agent has changed."""
    if not any(tier.executor.startswith(EXECUTORS) for tier in patient.tiers.values()):
        return
    found = shutil.which("git", path=patient.environ.get("PATH"))
    if found is None:
        yield AGENTS.error("git", "it is not installed: no patch is made of changes", "apt-get install git")
    else:
        yield AGENTS.ok("git", found)


def without_sandbox(patient: Patient) -> Iterator[Finding]:
    """Agents that an operator lets see what koubou sees."""
    names = [name for name, tier in patient.tiers.items() if tier.agent is not None and not tier.agent.sandbox]
    if names:
        says = f"run without a sandbox: {', '.join(names)}; they see other tasks, and may send anywhere what they see"
        yield AGENTS.warning("open", says, "sandbox: required, which is the default; confidential tasks go elsewhere")


CHECKS: tuple[Check, ...] = (sandbox, programs, git, without_sandbox)


def _programs(tiers: Mapping[str, Tier]) -> Mapping[str, list[str]]:
    """The tiers of each program of Codex and Claude Code; "" where there is none."""
    found: dict[str, list[str]] = {}
    for name, tier in tiers.items():
        if tier.agent is not None and tier.executor in IN_A_FOLDER:
            found.setdefault(tier.agent.program, []).append(name)
    return found


def _version(program: str) -> str | None:
    """What a program says of itself; None where it says nothing in time, or cannot be run."""
    with tempfile.TemporaryDirectory(prefix="koubou-doctor-") as folder:
        try:
            words = walled((program, "--version"), Walls(work=folder, home=folder, readable=(program,)))
            done = subprocess.run(
                words,
                env={"PATH": "/usr/bin:/bin", "HOME": HOME},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_VERSION_WITHIN,
                check=False,
            )
        except (NoWall, OSError, subprocess.TimeoutExpired):
            return None
    said = done.stdout.decode("utf-8", "replace").strip().partition("\n")[0][:_LONGEST]
    return said if done.returncode == 0 and said else None
