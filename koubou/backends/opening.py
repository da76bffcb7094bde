"""Which backend serves a tier."""

from __future__ import annotations

from collections.abc import Mapping

from koubou.backends.port import Backend, CannotServe, Doors
from koubou.leash.holding import Leashes
from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS


def open_backend(
    tier: Tier,
    api_keys: tuple[str, ...],
    leashes: Leashes,
    doors: Doors | None = None,
    members: Mapping[str, Doors] | None = None,
) -> Backend:
    """The backend that serves this tier. Raises CannotServe. Imports late: a cloud client takes half a second.

    `doors` is the gateway of an agent's tier: the keys are its, never the backend's. `members` are those of the members
    of a hybrid tier, by the names of their tiers. `leashes` are all of this process: who is held by none of them is
    ended where one is lost.
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
        case executor if executor.startswith(AGENTS):
            return _agent(tier, leashes, doors, members or {})
        case other:
            remedy = "use one of chat, messages, codex, claude, hybrid, rehearsal, command:<name>"
            raise CannotServe(f'tier {tier.name}: there is no executor "{other}"', remedy)


def _agent(tier: Tier, leashes: Leashes, doors: Doors | None, members: Mapping[str, Doors]) -> Backend:
    """A program on a leash."""
    match tier.executor:
        case "codex":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.codex import Codex

            return AgentBackend(tier, doors, Codex(), leashes)
        case "claude":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.claude import Claude

            return AgentBackend(tier, doors, Claude(), leashes)
        case "hybrid":
            from koubou.backends.hybrid import HybridBackend

            return HybridBackend(tier, {each.name: _member(each, members, leashes) for each in tier.members}, leashes)
        case _:
            from koubou.backends.command import CommandBackend

            return CommandBackend(tier, leashes, doors)


def _member(tier: Tier, doors: Mapping[str, Doors], leashes: Leashes) -> Backend:
    """A member of a hybrid tier: an agent with a door of its own, so that its calls are its bill."""
    if not tier.executor.startswith(AGENTS) or tier.name not in doors:
        raise CannotServe(f"tier {tier.name} cannot be a member of a hybrid one", "name agents that have a server")
    return _agent(tier, leashes, doors[tier.name], {})
