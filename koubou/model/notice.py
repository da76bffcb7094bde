"""What the guardian is told: a notice, by which ways, and how an attempt to tell ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from koubou.model.instant import Instant, Milliseconds


class Channel(StrEnum):
    """The ways to the guardian."""

    GITHUB = "github"
    WEBHOOK = "webhook"


class Audience(Struct, frozen=True, kw_only=True):
    """Who is to be told and by which ways; without a way nobody can be told."""

    channels: tuple[Channel, ...] = ()
    name: str | None = None


class GithubWay(Struct, frozen=True, kw_only=True):
    """Where an issue is opened. `problem` = why the token is not there."""

    api: str
    repo: str
    token: str
    assignee: str | None
    labels: tuple[str, ...]
    problem: str | None = None

    def __repr__(self) -> str:
        return f"GithubWay(repo={self.repo!r})"  # never the token


class WebhookWay(Struct, frozen=True, kw_only=True):
    """Where a notice is posted; the address is often its own key."""

    address: str

    def __repr__(self) -> str:
        return "WebhookWay()"


class Guardian(Struct, frozen=True, kw_only=True):
    """The settings of the guardian, with the token; None = not by this way. `workshop` names us in a notice."""

    github: GithubWay | None = None
    webhook: WebhookWay | None = None
    name: str | None = None
    workshop: Mapping[str, str] = field(default_factory=dict)

    @property
    def audience(self) -> Audience:
        """The same without keys and addresses."""
        ways = {Channel.GITHUB: self.github, Channel.WEBHOOK: self.webhook}
        return Audience(channels=tuple(channel for channel, way in ways.items() if way is not None), name=self.name)


class Notice(Struct, frozen=True, kw_only=True):
    """Something to be told once by one way; owed on the board until `told_at` is written.

    `incident` is what fell and when, `marker` the name by which the other end knows it again. `begun_at` is when the
    last attempt began: from then on it may have arrived. The facts are ids, numbers, categories and our own sentences.
    """

    incident: str
    channel: Channel
    marker: str
    kind: str
    facts: Mapping[str, Any]
    at: Instant
    tries: int = 0
    begun_at: Instant | None = None


class Trouble(StrEnum):
    """Why an attempt failed, as far as it says when to try again."""

    SETTINGS = "settings"
    RATE = "rate"
    SERVER = "server"
    NETWORK = "network"
    BUG = "bug"


class Told(Struct, frozen=True, kw_only=True):
    """It has arrived: as the `issue` of this number, `without` what GitHub refused; `found` = by an earlier attempt."""

    issue: int | None = None
    without: Sequence[str] = ()
    found: bool = False


class NotTold(Struct, frozen=True, kw_only=True):
    """It has not, or nobody knows. `wait` is what the other end asks for."""

    trouble: Trouble
    reason: str
    remedy: str = ""
    wait: Milliseconds | None = None


class Watched(Struct, frozen=True, kw_only=True):
    """An issue that was opened for a stop that lasts, of what is behind this circuit; not known to be closed."""

    incident: str
    circuit: str
    issue: int


class View(Struct, frozen=True, kw_only=True):
    """How an issue was seen; `etag` is by which GitHub knows whether it has changed since."""

    closed: bool
    etag: str = ""


class Views(Struct, frozen=True, kw_only=True):
    """What a look at issues brought, by number; `wait` is what GitHub asks for, `trouble` why it saw no more."""

    seen: Mapping[int, View]
    wait: Milliseconds | None = None
    trouble: NotTold | None = None


def incident_of(key: str, at: Instant) -> str:
    """What fell and the moment when it fell: a latch that falls again later is another incident."""
    return f"{key}@{at}"
