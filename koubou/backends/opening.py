"""Which backend serves a tier."""

from __future__ import annotations

from koubou.backends.port import Backend, CannotServe
from koubou.model.tier import Tier


def open_backend(tier: Tier, api_keys: tuple[str, ...]) -> Backend:
    """The backend that serves this tier. Raises CannotServe. Imports late: a cloud client takes half a second."""
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
        case command if command.startswith("command:"):
            from koubou.backends.command import CommandBackend

            return CommandBackend(tier)
        case other:
            remedy = "use one of chat, messages, rehearsal, command:<name>"
            raise CannotServe(f'tier {tier.name}: there is no executor "{other}"', remedy)
