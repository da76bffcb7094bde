"""What is in force, in lines for a person: the answer of `koubou check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koubou.config.budget_settings import BudgetSettings, TaskLimits, TypeLimits
from koubou.config.budgets import weekend_of
from koubou.config.guardian import describe_guardian
from koubou.config.retention_settings import RetentionSettings
from koubou.config.security_settings import SecuritySettings
from koubou.config.settings import Settings
from koubou.config.window_settings import WindowSettings
from koubou.model.access import Role
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Milliseconds
from koubou.model.money import Nano, Price, show_usd
from koubou.model.notice import Guardian
from koubou.model.tier import Tier
from koubou.rules.limits import AGENTS
from koubou.rules.suited import why_open


def describe(settings: Settings, tiers: Mapping[str, Tier], guardian: Guardian | None = None) -> list[str]:
    """Where the settings come from, which tier is offered or why not, where tasks go, and what they may cost."""
    routing = settings.routing.by_difficulty
    lines = [
        f"settings   {', '.join(settings.sources) or 'built in, no file'}",
        f"home       {settings.home}",
        *(f"tier       {_tier(tier)}" for tier in tiers.values()),
        f"routing    {', '.join(f'{difficulty} -> {tier}' for difficulty, tier in routing.items())}",
        *_judges(settings),
        *_budget(settings.budget),
        f"kept       {_kept(settings.retention)}",
        *([f"guardian   {describe_guardian(guardian)}"] if guardian is not None else []),
        f"window     {_window(settings.window)}",
        f"people     {_people(settings.security)}",
    ]
    if not any(tier.unfit is None for tier in tiers.values()):
        lines.append("no tier is offered: every task will wait")
    elif not any(tier.unfit is None and tier.reach == "local" for tier in tiers.values()):
        lines.append("no local tier is offered: confidential tasks will wait")
    return lines


def _window(window: WindowSettings) -> str:
    if window.listen is None:
        return "closed"
    free = f"; programs of this machine need no token ({window.loopback_role})" if window.open_to_loopback else ""
    return f"{window.listen}{free}"


def show_duration(milliseconds: Milliseconds) -> str:
    """A duration as settings are written: 200ms, 30s, 5m, 2h, 1d."""
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        if milliseconds and milliseconds % unit == 0:
            return f"{milliseconds // unit}{letter}"
    return f"{milliseconds}ms"


def _budget(budget: BudgetSettings) -> list[str]:
    month, day, task = budget.monthly, budget.daily, budget.task
    percents = f"cheaper tiers from {month.warn_at:.0%}, nothing new from {month.reject_at:.0%}"
    ceiling = f"no call passes {month.ceiling_at:.0%}, full stop at {month.emergency_at:.0%} ({budget.timezone})"
    at_weekends = weekend_of(day)
    weekend = "" if None in (day.usd, at_weekends) else f", weekends {_limit(at_weekends)}"
    others = [f"{kind} {name}" for kind in ("tiers", "models", "submitters") for name in getattr(budget, kind)]
    return [
        f"month      {_limit(month.usd)}: {percents}, {ceiling}",
        f"day        {_limit(day.usd)}{weekend}",
        f"task       {_of_a_task(task)}",
        *(f"  {name:<24} {_of_a_task(limits, task)}" for name, limits in budget.types.items()),
        f"session    {_limit(budget.session.usd)}, {_count(budget.session.tokens, 'tokens')}",
        *([f"a month of {', '.join(others)}: limits of their own"] if others else []),
    ]


def _judges(settings: Settings) -> list[str]:
    """Who is asked how hard a task is, and who how good an answer is; nothing where nobody is."""
    hard, good = settings.routing.judge, settings.judge
    types = f" of {', '.join(good.types)}" if good.types else ""
    return [
        *([f"judge      {hard} is asked how hard a task is where the score is unsure"] if hard else []),
        *([f"judge      {good.tier} judges answers{types}: below {good.threshold} is poor"] if good.tier else []),
    ]


def _kept(retention: RetentionSettings) -> str:
    """How long what is left of a task is kept after its end."""
    times = {"completed": retention.completed, "failed": retention.failed, "confidential": retention.confidential}
    times |= {"runs": retention.runs, "ids": retention.ids, "rejected": retention.rejected}
    return ", ".join(f"{name} {'for good' if time is None else show_duration(time)}" for name, time in times.items())


def _people(security: SecuritySettings) -> str:
    """Who is what, and who may not ask for everything."""
    roles = {str(role): getattr(security.roles, role) for role in Role}
    named = [f"{role} {', '.join(names)}" for role, names in roles.items() if names]
    bound = [f"bounds for {', '.join(security.bounds)}"] if security.bounds else []
    return "; ".join([*named, "root and the user that serves are guardians, all others submitters", *bound])


def _of_a_task(limits: TaskLimits | TypeLimits, general: TaskLimits | None = None) -> str:
    """What one task may use; what is not said of a type is as for all."""

    def of(name: str) -> Any:
        return getattr(limits if general is None or name in limits.model_fields_set else general, name)

    time = "any time" if of("time") is None else show_duration(of("time"))
    return f"{_limit(of('usd'))}, {_count(of('tokens'), 'tokens')}, {time}"


def _tier(tier: Tier) -> str:
    agent = f", {tier.executor}" if tier.executor.startswith(AGENTS) else ""
    what = f"{tier.name} ({tier.reach}, {tier.model}{agent})"
    if tier.unfit is not None:
        return f"{what}: not offered: {tier.unfit}"
    no_sandbox = f"; {why}" if (why := why_open(tier)) is not None else ""
    return f"{what}: offered, {tier.places} places, {_price(tier.price)}{no_sandbox}"


def _price(price: Price | None) -> str:
    if price is None:
        return "no price"
    if price.free:
        return "free"
    base = price.base
    return f"{show_usd(base.input)} in, {show_usd(base.output)} out per million tokens ({price.source})"


def _limit(amount: Nano | None) -> str:
    return "no limit" if amount is None else show_usd(amount)


def _count(count: int | None, of: str) -> str:
    return f"any {of}" if count is None else f"{count:,} {of}"
