"""From the settings of money to the budget that the steps work with."""

from __future__ import annotations

import pwd
from zoneinfo import ZoneInfo

from koubou.config.budget_settings import BudgetSettings, DailySettings, MonthLimits, TaskLimits, TypeLimits
from koubou.model.account import Dimension
from koubou.model.budget import NO_LIMITS, Budget, Limits

_EVERYBODY_ELSE = "default"


def budget_of(settings: BudgetSettings) -> Budget:
    """The budget that these settings ask for."""
    monthly, daily = settings.monthly, settings.daily
    everybody = settings.submitters.get(_EVERYBODY_ELSE)
    others = {name: limits for name, limits in settings.submitters.items() if name != _EVERYBODY_ELSE}
    return Budget(
        monthly=monthly.usd,
        daily=daily.usd,
        weekend=weekend_of(daily),
        task=_task(settings.task),
        types={name: _type(limits, settings.task) for name, limits in settings.types.items()},
        agents=Limits(usd=settings.agents.usd, tokens=settings.agents.tokens, time=settings.agents.time),
        session=Limits(usd=settings.session.usd, tokens=settings.session.tokens),
        tiers={name: _month(limits) for name, limits in settings.tiers.items()},
        models={name: _month(limits) for name, limits in settings.models.items()},
        submitters={uid_of(name): _month(limits) for name, limits in others.items()},
        submitter=_month(everybody) if everybody else NO_LIMITS,
        overdraft_usd=settings.overdraft.usd,
        overdraft_tokens=settings.overdraft.tokens,
        warn_at=monthly.warn_at,
        reject_at=monthly.reject_at,
        ceiling_at=monthly.ceiling_at,
        emergency_at=monthly.emergency_at,
        timezone=ZoneInfo(settings.timezone),
    )


def uid_of(name: str) -> int:
    """The uid of a submitter as the settings name him; that the machine knows him was checked when they were read."""
    return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid


def weekend_of(daily: DailySettings) -> int | None:
    """The limit of a weekend's day; the built-in one is never above that of other days."""
    if "weekend_usd" in daily.model_fields_set or None in (daily.usd, daily.weekend_usd):
        return daily.weekend_usd
    return min(daily.usd or 0, daily.weekend_usd or 0)


def _task(limits: TaskLimits) -> Limits:
    return Limits(**{str(dimension): getattr(limits, dimension) for dimension in Dimension})


def _type(limits: TypeLimits, general: TaskLimits) -> Limits:
    """What is not said of a type is as for all tasks; null is said."""
    said = limits.model_fields_set
    return Limits(
        **{str(dimension): getattr(limits if dimension in said else general, dimension) for dimension in Dimension}
    )


def _month(limits: MonthLimits) -> Limits:
    return Limits(usd=limits.usd, tokens=limits.tokens, calls=limits.calls)
