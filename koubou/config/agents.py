"""From settings to how the agent of a tier is run, and why it cannot be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from koubou.config.agent_settings import AgentSettings
from koubou.config.programs import native
from koubou.config.settings import CommandSettings, Settings
from koubou.config.tier_settings import TierSettings
from koubou.model.agent import Manner
from koubou.model.instant import Milliseconds
from koubou.model.tier import Reach, Tier
from koubou.rules.limits import AGENTS
from koubou.rules.suited import HYBRID, IN_A_FOLDER

_PROGRAMS = ("codex", "claude")

_Value = TypeVar("_Value")


def in_a_folder(asked: TierSettings) -> bool:
    """Whether a tier's agent works in a folder by itself for long; a command may be quick."""
    return asked.executor in IN_A_FOLDER


def manner_of(asked: TierSettings, settings: Settings, environ: Mapping[str, str]) -> Manner | None:
    """How the agent of a tier is run; None where it has none of its own."""
    if not asked.executor.startswith(AGENTS) or asked.executor == HYBRID:
        return None
    general, own = settings.agents, asked.agent
    command = _command_of(asked, settings)
    return Manner(
        program=_program(asked, general, environ) if command is None else command.argv[0],
        sandbox=asked.sandbox == "required",
        memory=_first(own.memory, general.memory),
        processes=_first(own.processes, general.processes),
        file_size=_first(own.file_size, general.file_size),
        prompt_in_file=command is not None and command.prompt == "file",
        usage=command.usage if command is not None else (),
        dangerous=general.dangerous.patterns,
        dangerous_most=_first(own.dangerous_most, general.dangerous.most) or 0,
        keep_bodies=bool(_first(own.keep_bodies, general.keep_bodies)),
        in_place=bool(_first(own.in_place, general.in_place)),
    )


def idle_of(asked: TierSettings, settings: Settings, command: CommandSettings | None) -> Milliseconds | None:
    """How long a tier's agent may say nothing."""
    if command is not None:
        return command.idle
    return _first(asked.agent.idle, settings.agents.idle) if in_a_folder(asked) else None


def grace_of(asked: TierSettings, settings: Settings, command: CommandSettings | None) -> Milliseconds:
    """How long it may take to end when asked."""
    if command is not None:
        return command.grace
    return (_first(asked.agent.grace, settings.agents.grace) or 0) if in_a_folder(asked) else 0


def why_not_run(asked: TierSettings, tier: Tier, environ: Mapping[str, str]) -> str | None:
    """Why a tier's agent cannot be run here, or not as safely as it must; None where it can, or the tier has none.

    Whether bubblewrap works is for the worker and the doctor to try: here it must be there.
    """
    if tier.agent is None:
        return None
    if asked.executor in _PROGRAMS and not _is_program(tier.agent.program):
        named = f"{tier.agent.program} is no program" if tier.agent.program else f"{asked.executor} is not installed"
        return f"{named}; scripts/agents installs it, or name the file as agents.programs.{asked.executor}"
    if tier.agent.sandbox:
        if shutil.which("bwrap", path=environ.get("PATH")) is None:
            return "it needs a sandbox, and bubblewrap is not installed: apt-get install bubblewrap"
        return None
    if asked.executor not in _PROGRAMS and tier.reach is Reach.LOCAL and not asked.trusted_host:
        vouch = "set sandbox: required; if you vouch that it does not, set trusted_host: true"
        return f"reach is local, but without a sandbox a command may send anywhere what it is given ({vouch})"
    return None


def joined(name: str, asked: TierSettings, tiers: Mapping[str, Tier]) -> Tier:
    """The tier of several agents side by side: it reaches as far as the furthest, and takes what the least can."""
    members = tuple(tiers[each] for each in dict.fromkeys(asked.of))
    local = all(member.reach is Reach.LOCAL for member in members)
    unfit = next((f"{member.name} is not offered: {member.unfit}" for member in members if member.unfit), None)
    dearest = max(members, key=lambda member: member.price.base.output if member.price is not None else 0)
    return replace(
        dearest,
        name=name,
        reach=Reach.LOCAL if local else Reach.CLOUD,
        provider=HYBRID,
        executor=HYBRID,
        base_url="",
        model="+".join(dict.fromkeys(member.model for member in members)),
        context_tokens=asked.context_tokens or min(member.context_tokens for member in members),
        window=None,
        max_output_tokens=asked.max_output_tokens or max(member.max_output_tokens for member in members),
        min_output_tokens=asked.min_output_tokens or max(member.min_output_tokens for member in members),
        timeout=asked.timeout or max(member.timeout for member in members),
        requests_per_minute=asked.rate.requests_per_minute,
        tokens_per_minute=asked.rate.tokens_per_minute,
        retries=asked.retries,
        retry_delay=asked.retry_delay,
        workers_min=asked.workers.min,
        workers_max=max(asked.workers.min, asked.workers.max or (1 if asked.reach == "local" else 2)),
        concurrency=asked.concurrency or 2,
        fallback=asked.fallback,
        command=(),
        agent=None,
        members=members,
        join=asked.join,
        test=asked.test,
        unfit=unfit,
    )


def _command_of(asked: TierSettings, settings: Settings) -> CommandSettings | None:
    kind, _, called = asked.executor.partition(":")
    return settings.commands.get(called) if kind == "command" else None


def _program(asked: TierSettings, general: AgentSettings, environ: Mapping[str, str]) -> str:
    match asked.executor:
        case "codex":
            return asked.agent.program or general.programs.codex or native("codex", environ) or ""
        case "claude":
            return asked.agent.program or general.programs.claude or native("claude", environ) or ""
    return ""


def _is_program(path: str) -> bool:
    return bool(path) and os.path.isfile(path) and os.access(path, os.X_OK)


def _first(own: _Value | None, general: _Value | None) -> _Value | None:
    return general if own is None else own
