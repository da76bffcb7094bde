"""Which backend serves a tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from koubou.backends.port import Backend, CannotServe, Doors
from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS

if TYPE_CHECKING:
    from koubou.leash.holding import Leashes

_MODULES = {
    "chat": ("koubou.backends.chat",),
    "messages": ("koubou.backends.messages",),
    "rehearsal": ("koubou.backends.rehearsal",),
    "codex": ("koubou.backends.agent", "koubou.backends.codex"),
    "claude": ("koubou.backends.agent", "koubou.backends.claude"),
    "hybrid": ("koubou.backends.hybrid",),
}
_OF_PROGRAMS = ("koubou.backends.command", "koubou.leash.cgroup", "koubou.leash.holding")
_OF_DOORS = ("koubou.gateway.gateway", "uvloop")


def modules_of(tier: Tier) -> tuple[str, ...]:
    """What a worker of this tier loads late, for who loads it beforehand."""
    programs = _OF_PROGRAMS if tier.executor.startswith(AGENTS) else ()
    return (*_MODULES.get(tier.executor, ()), *programs, *(_OF_DOORS if tier.metered else ()))


def open_backend(
    tier: Tier,
    api_keys: tuple[str, ...],
    leashes: Leashes | None,
    doors: Mapping[str, Doors],
) -> Backend:
    """The backend that serves this tier. Raises CannotServe. Imports late: a cloud client takes half a second.

    `doors` are the gateways of an agent's tier, or of each member of a hybrid one, by the names of tiers: the keys are
    theirs, never the backend's. `leashes` are all of this process: who is held by none of them is ended where one is
    lost; None where the tier starts nothing.
    """
    match tier.executor:
        case "chat":
            from koubou.backends.chat import ChatBackend

            return ChatBackend(tier, api_keys)
        case "messages":
            from koubou.backends.messages import MessagesBackend

            return MessagesBackend(tier, api_keys)
        case "rehearsal":
            from koubou.backends.rehearsal import RehearsalBackend

            return RehearsalBackend(tier)
        case executor if executor.startswith(AGENTS) and leashes is not None:
            return _agent(tier, leashes, doors)
        case other:
            remedy = "use one of chat, messages, codex, claude, hybrid, rehearsal, command:<name>"
            raise CannotServe(f'tier {tier.name}: there is no executor "{other}"', remedy)


def _agent(tier: Tier, leashes: Leashes, doors: Mapping[str, Doors]) -> Backend:
    """A program on a leash."""
    match tier.executor:
        case "codex":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.codex import Codex

            return AgentBackend(tier, doors.get(tier.name), Codex(), leashes)
        case "claude":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.claude import Claude

            return AgentBackend(tier, doors.get(tier.name), Claude(), leashes)
        case "hybrid":
            from koubou.backends.hybrid import HybridBackend

            members = {each.name: _member(each, doors, leashes) for each in tier.members}
            return HybridBackend(tier, members, doors, leashes)
        case _:
            from koubou.backends.command import CommandBackend

            return CommandBackend(tier, leashes, doors.get(tier.name))


def _member(tier: Tier, doors: Mapping[str, Doors], leashes: Leashes) -> Backend:
    """A member of a hybrid tier: an agent with a door of its own, so that its calls are its bill."""
    if not tier.executor.startswith(AGENTS) or tier.name not in doors:
        raise CannotServe(f"tier {tier.name} cannot be a member of a hybrid one", "name agents that have a server")
    return _agent(tier, leashes, doors)
