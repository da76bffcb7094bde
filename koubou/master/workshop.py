"""The settings as the master works with them: model values only, made anew at every reload."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from koubou.config.budgets import budget_of
from koubou.config.guardian import guardian
from koubou.config.notify import notify_of
from koubou.config.operations import operations_of
from koubou.config.people import access_of
from koubou.config.retention_settings import retention_of
from koubou.config.routing import breaker_of, routing_of
from koubou.config.security_settings import policy_of
from koubou.config.settings import Settings
from koubou.config.tiers import tiers as tiers_of
from koubou.embedded.keeper import EmbeddedSettings
from koubou.embedded.weights import default_models_dir
from koubou.folders.layout import Layout
from koubou.model.access import EVERYBODY_SUBMITS, Access
from koubou.model.budget import Budget
from koubou.model.circuit import BreakerRules
from koubou.model.instant import SECOND, Milliseconds
from koubou.model.notice import Guardian
from koubou.model.notification import Notify
from koubou.model.retention import Retention
from koubou.model.routing import Routing
from koubou.model.tier import Tier
from koubou.rules.estimate import usual_output
from koubou.rules.limits import AGENTS
from koubou.wire.hand_messages import IntakeOrders


class CrewRules(Struct, frozen=True, kw_only=True):
    """How the crew lives and ends. `hang_after` is in seconds, `max_memory` in bytes; None = never."""

    drain_timeout: Milliseconds
    orphan_grace: Milliseconds
    idle_timeout: Milliseconds
    hang_after: float
    max_runs: int | None
    max_memory: int | None


class Workshop(Struct, frozen=True, kw_only=True):
    """Everything that an operator has decided. Keys are by tier name and never shown."""

    layout: Layout
    tiers: Mapping[str, Tier]
    keys: Mapping[str, tuple[str, ...]]
    routing: Routing
    breaker: BreakerRules
    budget: Budget
    intake: IntakeOrders
    max_pending: int
    workers: CrewRules
    embedded: EmbeddedSettings
    guardian: Guardian = Guardian()
    retention: Retention = Retention()
    access: Access = EVERYBODY_SUBMITS
    notify: Notify = Notify()

    def __repr__(self) -> str:
        return f"Workshop(home={self.layout.home!r}, tiers={tuple(self.tiers)!r})"  # never a key


def workshop_of(settings: Settings, environ: Mapping[str, str]) -> Workshop:
    """The workshop that these settings ask for."""
    tiers, keys = tiers_of(settings, environ)
    return Workshop(
        layout=Layout(home=str(settings.home)),
        tiers=tiers,
        keys=keys,
        routing=routing_of(settings),
        breaker=breaker_of(settings),
        budget=replace(
            budget_of(settings.budget),
            usual_output=usual_output(operations_of(settings.operations)),
            stop_agents=settings.emergency.agents == "stop",
        ),
        intake=IntakeOrders(
            home=str(settings.home),
            settle=settings.intake.settle,
            max_file=settings.intake.max_file,
            max_attached=settings.intake.max_attached,
            min_free_disk=settings.intake.min_free_disk,
            roots=tuple(settings.security.allowed_workspaces),
            tiers=tuple(sorted(tiers)),
            targets=tuple(sorted(settings.notify.targets)),
            rule_cache=str(default_models_dir().with_name("rules")),
            policy=policy_of(settings.security),
            agents=any(tier.executor.startswith(AGENTS) for tier in tiers.values()),
        ),
        max_pending=settings.intake.max_pending,
        workers=CrewRules(
            drain_timeout=settings.workers.drain_timeout,
            orphan_grace=settings.workers.orphan_grace,
            idle_timeout=settings.workers.idle_timeout,
            hang_after=settings.workers.hang_after / SECOND,
            max_runs=settings.workers.max_runs,
            max_memory=settings.workers.max_memory,
        ),
        embedded=_embedded(settings),
        guardian=guardian(settings, environ),
        retention=retention_of(settings.retention),
        access=access_of(settings.security),
        notify=notify_of(settings, environ),
    )


def _embedded(settings: Settings) -> EmbeddedSettings:
    asked = settings.embedded
    folder = Path(asked.models_dir) if asked.models_dir else default_models_dir()
    return EmbeddedSettings(
        model=asked.model,
        alias=asked.model,
        context_tokens=asked.context_tokens,
        parallel=asked.parallel,
        threads=asked.threads,
        models_dir=folder,
    )
