"""The whole of the settings, as the master gets them: every word parsed, every section present."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr

from koubou.config.agent_settings import AgentSettings
from koubou.config.breaker_settings import BreakerSettings
from koubou.config.budget_settings import BudgetSettings
from koubou.config.notify_settings import NotifySettings
from koubou.config.operations import OperationSettings
from koubou.config.pattern_trial import WrittenPattern
from koubou.config.retention_settings import RetentionSettings
from koubou.config.routing_settings import JudgeSettings, RoutingSettings
from koubou.config.security_settings import SecuritySettings
from koubou.config.tier_settings import Key, KeySource, PriceSettings, TierSettings
from koubou.config.window_settings import WindowSettings
from koubou.config.words import (
    AbsolutePath,
    BaseUrl,
    Duration,
    Name,
    Positive,
    Section,
    Shown,
    Size,
    SomeTime,
    TierName,
    Whole,
)
from koubou.model.call import Usage


class IntakeSettings(Section):
    """What is taken in from the drop folder."""

    max_pending: Positive = Field(default=100_000, description="Files stay in the folder while so many tasks wait.")
    min_free_disk: Size = Field(
        default="500MB", validate_default=True, description="Files stay in the folder while less disk is free."
    )
    settle: Duration = Field(
        default="2s",
        validate_default=True,
        description="A file that was not closed or renamed before us is left so long.",
    )
    max_file: Size = Field(default="10MB", validate_default=True, description="The largest task file.")
    max_attached: Size = Field(
        default="10MB", validate_default=True, description="The most that the files attached to a task hold together."
    )


class WorkersSettings(Section):
    """How the crew lives and ends."""

    drain_timeout: Duration = Field(
        default="5m",
        validate_default=True,
        description="How long calls under way may finish when the workshop is stopped.",
    )
    orphan_grace: Duration = Field(
        default="10s", validate_default=True, description="How long a worker without its master lets paid calls finish."
    )
    idle_timeout: Duration = Field(
        default="60s", validate_default=True, description="A worker with nothing to do is sent home after this."
    )
    hang_after: Duration = Field(
        default="30s",
        validate_default=True,
        description="A worker that lives and gives no sign for so long is ended; its stack goes into the journal.",
    )
    max_runs: Positive | None = Field(
        default=10_000, description="A worker is replaced after so many runs, give or take a tenth; null = never."
    )
    max_memory: Size | None = Field(
        default="1GB",
        validate_default=True,
        description="A worker that has grown larger is replaced once it has nothing to do; null = never.",
    )


def _names_usage(pattern: str) -> str:
    named = set(re.compile(pattern).groupindex)
    if not named or not named <= set(Usage.__struct_fields__):
        raise ValueError(
            f"needs groups named by some of {', '.join(Usage.__struct_fields__)}, such as (?P<input_tokens>"
        )
    return pattern


class CommandSettings(Section):
    """A program that answers: the task comes on its standard input or in a file, its standard output is the answer."""

    argv: tuple[Annotated[str, Field(min_length=1, max_length=4096), Shown("text")], ...] = Field(
        min_length=1, max_length=200, description="The program and its words. They can be seen by others: no secrets."
    )
    idle: SomeTime | None = Field(default=None, description="It is ended when it says nothing for so long; null = not.")
    grace: Duration = Field(
        default="5s", validate_default=True, description="How long it may take to end when asked; then it is killed."
    )
    prompt: Literal["stdin", "file"] = Field(
        default="stdin", description="file = the path of a file with the task is its last word instead."
    )
    usage: tuple[Annotated[WrittenPattern, AfterValidator(_names_usage)], ...] = Field(
        default=(),
        max_length=20,
        description="For a command without base_url: regular expressions that find what it says that it used, with "
        "groups named input_tokens, output_tokens, cached_input_tokens …; the last finding counts.",
    )


class EmbeddedSettings(Section):
    """The local model that Koubou serves itself, for tiers with `server: embedded`."""

    model: Name = Field(default="smollm2-135m", description="Which of the known models.")
    models_dir: AbsolutePath | None = Field(
        default=None, description="Where model files are kept; null = the user's cache folder."
    )
    context_tokens: Annotated[Whole, Field(ge=256, le=1_000_000), Shown("count from 256")] = Field(
        default=4096, description="Window of the model for each call; memory grows with context_tokens x parallel."
    )
    parallel: Annotated[Whole, Field(ge=1, le=64), Shown("count from 1")] = Field(
        default=2, description="Calls at once."
    )
    threads: Annotated[Whole, Field(ge=1, le=1024), Shown("count from 1")] | None = Field(
        default=None, description="Threads; null = one less than there are cores."
    )


class SecretsSettings(Section):
    """How the keys that the workshop keeps itself are opened."""

    key_file: AbsolutePath | None = Field(
        default=None,
        description="The key, outside of home; null = /etc/koubou/secret.key for root, "
        "~/.config/koubou/secret.key for others. A systemd credential koubou-key goes before it.",
    )


class EmergencySettings(Section):
    """What happens when the emergency stop is pulled."""

    agents: Literal["stop", "finish"] = Field(default="stop", description="Whether agents at work stop or finish.")


class GithubSettings(Section):
    """A GitHub issue for the guardian."""

    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"), Shown("owner/name")] | None = Field(
        default=None, description="Where issues are opened; null = nowhere."
    )
    token: Key = Field(default=KeySource(env="GITHUB_TOKEN"), description="Where the token comes from.")
    assignee: Name | None = Field(default=None, description="Who is assigned.")
    labels: tuple[Annotated[str, Field(min_length=1, max_length=50), Shown("text")], ...] = Field(
        default=("koubou", "emergency"), max_length=20, description="The labels of the issue."
    )
    api: BaseUrl = Field(
        default="https://api.github.com",
        description="Address of the REST API; https://<host>/api/v3 for GitHub Enterprise Server.",
    )


class GuardianSettings(Section):
    """Who is told when the workshop stops itself."""

    github: GithubSettings = Field(default=GithubSettings(), description="Told by an issue on GitHub.")
    # The address of a webhook is often its own key, so it is not shown.
    webhook: Annotated[str, Field(pattern=r"^https?://[^\s@]+$"), Shown("address")] | None = Field(
        default=None, repr=False, description="Told by a POST to this address; null = not."
    )


class LogSettings(Section):
    """The journal on stdout."""

    format: Literal["json", "text"] = Field(default="json", description="json = one object a line; text = for people.")
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least level shown.")


class Settings(Section):
    """Everything that an operator can set. Made by `koubou.config.load.load`."""

    home: AbsolutePath = Field(default="/var/koubou", description="The workshop's folder.")
    tiers: dict[TierName, TierSettings] = Field(
        min_length=1,
        description="The tiers by name, strongest first; a file that names tiers replaces the built-in ones.",
    )
    routing: RoutingSettings = Field(
        description="Which tier serves which difficulty; what is not said is found from the tiers."
    )
    judge: JudgeSettings = Field(
        default=JudgeSettings(), description="Whether answers are judged; poor ones go to the next tier up, once."
    )
    breaker: BreakerSettings = Field(
        default=BreakerSettings(), description="When a provider's model is left alone, and how it comes back."
    )
    prices: dict[Name, PriceSettings] = Field(
        default={},
        description="What models cost, by model or provider/model, where a tier's price is auto: before the price "
        "table. In USD per million tokens.",
    )
    budget: BudgetSettings = Field(default=BudgetSettings(), description="The limits of money.")
    commands: dict[Name, CommandSettings] = Field(
        default={}, description="Programs that tiers with executor: command:<name> work by."
    )
    agents: AgentSettings = Field(default=AgentSettings(), description="How programs that work in a folder are run.")
    operations: dict[Name, OperationSettings] = Field(
        default={},
        description="What kinds of work usually take, for koubou estimate; rows stand beside the built-in ones.",
    )
    intake: IntakeSettings = Field(default=IntakeSettings(), description="What is taken in from the drop folder.")
    workers: WorkersSettings = Field(default=WorkersSettings(), description="How the crew lives and ends.")
    retention: RetentionSettings = Field(
        default=RetentionSettings(), description="How long what is left of a task is kept after its end."
    )
    embedded: EmbeddedSettings = Field(default=EmbeddedSettings(), description="The built-in local model.")
    secrets: SecretsSettings = Field(default=SecretsSettings(), description="The keys that the workshop keeps itself.")
    emergency: EmergencySettings = Field(default=EmergencySettings(), description="The emergency stop.")
    guardian: GuardianSettings = Field(default=GuardianSettings(), description="Who is told when the workshop stops.")
    notify: NotifySettings = Field(
        default=NotifySettings(), description="Which programs are told when tasks and sessions end."
    )
    security: SecuritySettings = Field(default=SecuritySettings(), description="Who may do what, and where.")
    window: WindowSettings = Field(default=WindowSettings(), description="The API and dashboard.")
    log: LogSettings = Field(default=LogSettings(), description="The journal on stdout.")

    _sources: tuple[str, ...] = PrivateAttr(default=())

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that were read, in order."""
        return self._sources
