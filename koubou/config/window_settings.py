"""The settings of the window: where it listens, who gets in without a token, and how much it bears."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from koubou.config.words import Duration, Positive, Section, Shown, Size, WindowAddress

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError("must be a name such as koubou.example.com, in small letters and without a port")
    return name


class WindowSettings(Section):
    """The API and dashboard."""

    listen: WindowAddress | None = Field(
        default=None,
        description="Where it listens: an address and port (0 = any free one), or unix:/path; null = not at all.",
    )
    hosts: tuple[Annotated[str, AfterValidator(_host), Shown("name")], ...] = Field(
        default=(), max_length=20, description="Names by which browsers may ask for it, beside addresses and localhost."
    )
    behind_proxy: bool = Field(
        default=False,
        description="A proxy of ours passes on every request: who asks is the last one of X-Forwarded-For.",
    )
    open_to_loopback: bool = Field(
        default=False, description="Whether programs of this machine, whoever runs them, get in without a token."
    )
    loopback_role: Literal["viewer", "submitter", "operator"] = Field(
        default="viewer", description="What they are then. They submit as the user that serves the workshop."
    )
    requests_per_minute: Positive = Field(default=1_200, description="Of each token, or address without one.")
    connections: Positive = Field(default=256, description="At once, of all together; watchers count among them.")
    max_body: Size = Field(default="10MB", validate_default=True, description="The largest request.")
    timeout: Duration = Field(
        default="60s", validate_default=True, description="Within which a request must have arrived whole."
    )

    @model_validator(mode="after")
    def _no_stranger_is_local(self) -> WindowSettings:
        if self.behind_proxy and self.open_to_loopback:
            raise ValueError(
                "behind_proxy and open_to_loopback exclude each other: all who come by a proxy come from this machine"
            )
        return self
