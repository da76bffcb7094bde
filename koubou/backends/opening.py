"""Which backend serves a tier."""

from __future__ import annotations

from koubou.backends.port import Backend, CannotServe, Doors
from koubou.leash.holding import Leashes
from koubou.model.tier import Tier


def open_backend(tier: Tier, api_keys: tuple[str, ...], leashes: Leashes, doors: Doors | None = None) -> Backend:
    """The backend that serves this tier. Raises CannotServe. Imports late: a cloud client takes half a second.

    `doors` is the gateway of an agent's tier: the keys are its, never the backend's. `leashes` are all of this process:
    who is held by none of them is ended where one is lost.
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
        case "codex":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.codex import Codex

            return AgentBackend(tier, doors, Codex(), leashes)
        case "claude":
            from koubou.backends.agent import AgentBackend
            from koubou.backends.claude import Claude

            return AgentBackend(tier, doors, Claude(), leashes)
        case command if command.startswith("command:"):
            from koubou.backends.command import CommandBackend

            return CommandBackend(tier, leashes, doors)
        case other:
            remedy = "use one of chat, messages, codex, claude, rehearsal, command:<name>"
            raise CannotServe(f'tier {tier.name}: there is no executor "{other}"', remedy)
