"""Which accounts a call touches, and the windows that are part of their names; there is no reset job."""

from __future__ import annotations

from datetime import datetime, tzinfo

from koubou.model.account import Limit
from koubou.model.budget import Budget
from koubou.model.instant import Instant, instant, moment
from koubou.model.task import Task


def month(now: Instant, zone: tzinfo) -> tuple[str, Instant]:
    """The name of the month's account in a time zone, and when the next month begins there."""
    local = moment(now).astimezone(zone)
    year, following = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return f"month:{local.year:04}-{local.month:02}", instant(datetime(year, following, 1, tzinfo=zone))


def month_limit(budget: Budget, now: Instant) -> Limit:
    """The month's account as the settings want it."""
    name, reopens = month(now, budget.timezone)
    ceiling = None if budget.monthly is None else int(budget.monthly * budget.ceiling_at)
    percent = round(budget.warn_at * 100)
    return Limit(name=name, limit=budget.monthly, ceiling=ceiling, warn_percent=percent, reopens=reopens)


def task_limit(budget: Budget, task: Task) -> Limit | None:
    """The task's own account, where its file or the settings limit it; its window never reopens."""
    limit = task.budget_cost if task.budget_cost is not None else budget.task
    return None if limit is None else Limit(name=f"task:{task.id}", limit=limit, ceiling=limit)
