"""What the till should say, by arithmetic of its own: windows, what a call may cost, and which limits it meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from typing import Any

from koubou.model.account import AccountKey
from koubou.model.budget import Budget
from koubou.model.call import Usage
from koubou.model.money import Price, Rates
from koubou.model.task import Task
from koubou.model.tier import Tier

SetByPerson = Mapping[tuple[str, str], int | None]
HOUR = 3_600_000


def month_of(now: int, budget: Budget) -> str:
    """The name of the month's account."""
    return f"month:{datetime.fromtimestamp(now / 1000, budget.timezone):%Y-%m}"


def day_of(now: int, budget: Budget) -> str:
    """The name of the day's account."""
    return f"day:{datetime.fromtimestamp(now / 1000, budget.timezone):%Y-%m-%d}"


def charge(price: Price, usage: Usage) -> int:
    """What a provider charges: every part of the input at its own rate, the whole at the step that it has reached."""
    for_an_hour = usage.cache_write_1h_tokens
    written = max(usage.cache_write_tokens, for_an_hour)
    plain = max(usage.input_tokens - usage.cached_input_tokens - written, 0)
    rates = price.base
    for threshold, dearer in sorted(price.steps, key=lambda step: step[0]):
        rates = dearer if plain + usage.cached_input_tokens + written > threshold else rates
    parts = (
        (plain, rates.input),
        (usage.cached_input_tokens, rates.cached_input),
        (written - for_an_hour, rates.cache_write),
        (for_an_hour, rates.cache_write_1h),
        (usage.output_tokens, rates.output),
    )
    return ceil(sum(Fraction(tokens * rate, 1_000_000) for tokens, rate in parts))


def most(price: Price, input_tokens: int, cap: int) -> int:
    """The most that a call can cost."""
    reachable: list[Rates] = [price.base, *(rates for threshold, rates in price.steps if threshold < input_tokens)]
    read = max(max(each.input, each.cached_input, each.cache_write, each.cache_write_1h) for each in reachable)
    return ceil(Fraction(input_tokens * read + cap * max(each.output for each in reachable), 1_000_000))


def daily(budget: Budget, person: SetByPerson, now: int) -> int | None:
    """The limit of this day."""
    plain = person.get(("day", "usd"), budget.daily)
    if datetime.fromtimestamp(now / 1000, budget.timezone).isoweekday() < 6:
        return plain
    # Without a limit for days there is none for weekends but what a person sets.
    usual = plain if plain is None or budget.weekend is None else budget.weekend
    return person.get(("weekend", "usd"), usual)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that is let through."""

    task: Task
    first: bool
    """Whether its task was not at work before."""
    tier: Tier
    price: Price
    input_tokens: int
    cap: int

    @property
    def shortest(self) -> int:
        """The shortest answer that it would have been let through for."""
        longest = self.tier.max_output_tokens
        return min(self.tier.min_output_tokens, self.task.max_output_tokens or longest, longest)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """How far an account goes, and how far this call may fill it; None = without end."""

    ceiling: int | None
    bearable: int | None


def bounds(call: Call, budget: Budget, person: SetByPerson, now: int) -> dict[AccountKey, Bound]:
    """The accounts that a call touches."""
    return {key: bound for key, bound in _bounds(call, budget, person, now) if key.dimension != "usd" or not free(call)}


def free(call: Call) -> bool:
    """Whether it can cost nothing."""
    return most(call.price, 10**9, 10**9) == 0


def _bounds(call: Call, budget: Budget, person: SetByPerson, now: int) -> Iterator[tuple[AccountKey, Bound]]:
    month = month_of(now, budget)
    monthly = person.get(("month", "usd"), budget.monthly)
    if monthly is None:
        yield AccountKey(month), Bound(ceiling=None, bearable=None)
    else:
        ceiling = floor(monthly * budget.ceiling_at)
        yield (
            AccountKey(month),
            Bound(ceiling=ceiling, bearable=min(ceiling, floor(monthly * budget.reject_at)) if call.first else ceiling),
        )
    if (limit := daily(budget, person, now)) is not None:
        yield AccountKey(day_of(now, budget)), _plain(limit)
    task = call.task
    of_month = (
        (f"tier:{call.tier.name}", budget.tiers.get(call.tier.name)),
        (f"model:{call.tier.model}", budget.models.get(call.tier.model)),
        (f"submitter:{task.owner}", budget.submitters.get(task.owner, budget.submitter)),
    )
    for scope, limits in of_month:
        for dimension in ("usd", "tokens", "calls"):
            limit = person.get((scope, dimension), getattr(limits, dimension, None))
            if limit is not None or (scope.startswith("tier:") and dimension == "usd"):
                yield AccountKey(f"{scope}:{month}", dimension), _plain(limit)
    if task.session is not None:
        name = f"session:{task.session}"
        for dimension in ("usd", "tokens"):
            general = person.get(("session", dimension), getattr(budget.session, dimension))
            if (limit := person.get((name, dimension), general)) is not None:
                yield AccountKey(name, dimension), _plain(limit)
    for dimension in ("usd", "tokens", "calls", "time"):
        if (limit := _of_task(call, budget, person, dimension)) is not None:
            yield AccountKey(f"task:{task.id}", dimension), _plain(limit)


def _plain(limit: int | None) -> Bound:
    return Bound(ceiling=limit, bearable=limit)


def _of_task(call: Call, budget: Budget, person: SetByPerson, dimension: str) -> int | None:
    task = call.task
    own: int | None = getattr(task.budget, "cost" if dimension == "usd" else dimension)
    of_type: int | None = getattr(budget.types.get(task.type, budget.task), dimension)
    general: int | None = getattr(budget.task, dimension)
    needed = {
        "usd": most(call.price, call.input_tokens, call.shortest),
        "tokens": call.input_tokens + call.shortest,
    }.get(dimension)
    if of_type is not None and needed is not None and needed > of_type:
        # A long prompt makes room for itself, as far as tasks in general may go.
        of_type = max(of_type, needed if general is None else min(needed, general))
    usual = own if own is not None else person.get(("task", dimension), of_type)
    return person.get((f"task:{task.id}", dimension), usual)


def hour_of(at: int) -> int:
    """The hour of a bill."""
    return at - at % HOUR


def row_of(model: str, hour: int, amount: int) -> dict[str, Any]:
    """A line of a provider's bill, as the master is given it."""
    return {"model": model, "hour": hour, "amount": amount}
