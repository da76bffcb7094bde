"""What is in force, in lines for a person: the answer of `koubou check`."""

from __future__ import annotations

from collections.abc import Mapping

from koubou.config.budget_settings import BudgetSettings
from koubou.config.guardian import describe_guardian
from koubou.config.settings import Settings
from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Milliseconds
from koubou.model.money import Nano, Price, show_usd
from koubou.model.notice import Guardian
from koubou.model.tier import Tier

_NOT_YET = "accepted, not in force in this version"


def describe(settings: Settings, tiers: Mapping[str, Tier], guardian: Guardian | None = None) -> list[str]:
    """Where the settings come from, which tier is offered or why not, where tasks go, and what they may cost."""
    routing = settings.routing.model_dump()
    lines = [
        f"settings   {', '.join(settings.sources) or 'built in, no file'}",
        f"home       {settings.home}",
        *(f"tier       {_tier(tier)}" for tier in tiers.values()),
        f"routing    {', '.join(f'{difficulty} -> {tier}' for difficulty, tier in routing.items())}",
        *_budget(settings.budget),
        *([f"guardian   {describe_guardian(guardian)}"] if guardian is not None else []),
        f"not yet    warn_at, reject_at, emergency_at, sessions, overdraft, roles, window ({_NOT_YET})",
    ]
    if not any(tier.unfit is None for tier in tiers.values()):
        lines.append("no tier is offered: every task will wait")
    elif not any(tier.unfit is None and tier.reach == "local" for tier in tiers.values()):
        lines.append("no local tier is offered: confidential tasks will wait")
    return lines


def show_duration(milliseconds: Milliseconds) -> str:
    """A duration as settings are written: 200ms, 30s, 5m, 2h, 1d."""
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        if milliseconds and milliseconds % unit == 0:
            return f"{milliseconds // unit}{letter}"
    return f"{milliseconds}ms"


def _budget(budget: BudgetSettings) -> list[str]:
    month, day, task = budget.monthly, budget.daily, budget.task
    percents = f"no call passes {month.ceiling_at:.0%} of it ({budget.timezone})"
    weekend = "" if None in (day.usd, day.weekend_usd) else f", weekends {_limit(day.weekend_usd)}"
    time = "any time" if task.time is None else show_duration(task.time)
    return [
        f"month      {_limit(month.usd)}, {percents}",
        f"task       {_limit(task.usd)}, {time} a call at most",
        f"day        {_limit(day.usd)}{weekend} ({_NOT_YET})",
        f"tokens     {_count(task.tokens, 'tokens')} a task ({_NOT_YET})",
    ]


def _tier(tier: Tier) -> str:
    what = f"{tier.name} ({tier.reach}, {tier.model})"
    if tier.unfit is not None:
        return f"{what}: not offered: {tier.unfit}"
    return f"{what}: offered, {tier.places} places, {_price(tier.price)}"


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
