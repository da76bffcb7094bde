"""What the settings say of who is told when tasks and sessions end."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from koubou.config.tier_settings import KeySource
from koubou.config.words import Duration, Name, Section, Shown, TaskType

Event = Literal["completed", "failed", "cancelled", "session_done"]
_ALL: tuple[Event, ...] = ("completed", "failed", "cancelled", "session_done")
_MOST = 100


class TargetSettings(Section):
    """Who is told, and how: by a webhook, or by a command that reads JSON."""

    # The address of a webhook is often its own key, so it is not shown.
    webhook: Annotated[str, Field(pattern=r"^https?://[^\s@]+$"), Shown("address")] | None = Field(
        default=None, repr=False, description="Told by a POST to this address, signed with the secret."
    )
    secret: KeySource | None = Field(default=None, description="What a webhook's words are signed with.")
    command: tuple[Annotated[str, Shown("text")], ...] | None = Field(
        default=None,
        min_length=1,
        max_length=_MOST,
        description="Told by this command, on its standard input; no shell.",
    )
    events: tuple[Event, ...] = Field(default=_ALL, description="What it is told of.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook is None) == (self.command is None):
            raise ValueError("needs either webhook or command")
        if (self.webhook is None) != (self.secret is None):
            raise ValueError("a webhook needs a secret, and only a webhook has one")
        return self


class NotifySettings(Section):
    """Which targets are told of which tasks; where nothing else names any, the default ones are."""

    targets: dict[Name, TargetSettings] = Field(default={}, max_length=_MOST, description="Who can be told, by name.")
    types: dict[TaskType, tuple[Name, ...]] = Field(default={}, description="By type of task: targets.")
    sessions: dict[Name, tuple[Name, ...]] = Field(
        default={}, max_length=_MOST, description="By session, with * for any letters: targets; also when it is done."
    )
    default: tuple[Name, ...] = Field(default=(), description="Targets of all other tasks.")
    give_up_after: Duration = Field(
        default="3d", validate_default=True, description="What could not be told for so long is given up."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for names in (*self.types.values(), *self.sessions.values(), self.default):
            for name in names:
                if name not in self.targets:
                    known = ", ".join(self.targets) or "none"
                    raise ValueError(f"names a target that is not among targets, which has {known}")
        return self
