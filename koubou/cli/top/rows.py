"""What each pane of the screen says, as plain cells: the same for the live screen and for `koubou top --once`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from msgspec import Struct

from koubou.cli import say as told
from koubou.cli.top.picture import Failure, Picture
from koubou.cli.top.words import Say
from koubou.model.instant import Instant, instant, moment
from koubou.model.money import Nano
from koubou.model.status import Status
from koubou.model.task import Task
from koubou.rules.days import day_of
from koubou.rules.latches import ended_by, is_paused
from koubou.views.spending import DAYS_SHOWN

SIGNS: Mapping[str, str] = {
    "in_progress": "▶",
    "assigned": "▷",
    "pending": "·",
    "routing": "·",
    "parked": "‖",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "–",
    "paused": "‖",
    "closed": "✓",
    "open": "✗",
    "unfit": "✗",
    "half_open": "?",
}
"""So that nobody needs to see colours."""
FILLS = "█▒▚░▞▓▤▥▦▧"
"""One for each tier of a day's bar, by which it is known without its colour."""
_BAR = 30
_WORKER_STATES = ("idle", "busy", "rate_limited", "offline", "error")
_COUNTED = ("in_progress", "assigned", "routing", "pending", "parked", "completed", "failed", "cancelled")


class Row(Struct, frozen=True, kw_only=True):
    """One line of a pane: who it is about, its cells, and the word whose colour it has (a status, a state)."""

    key: str
    cells: tuple[str, ...]
    mood: str = ""


class Pane(Struct, frozen=True, kw_only=True):
    """A pane: its heads, which of them are aligned right, its rows, and what is said where there are none."""

    name: str
    heads: tuple[str, ...]
    rows: Sequence[Row]
    right: tuple[str, ...] = ()
    empty: str = ""


def panes(picture: Picture, words: str, zone: tzinfo, say: Say) -> dict[str, Pane]:
    """All of them, in the order in which Tab goes through them."""
    found = (
        _tasks(picture, words, say),
        _tiers(picture, say),
        _crew(picture, say),
        _spend(picture, zone, say),
        _failures(picture, say),
    )
    return {pane.name: pane for pane in found}


def head_line(picture: Picture, say: Say) -> str:
    """Whether it is served, and how many tasks stand where."""
    status = picture.status
    if not picture.served:
        state = say("not_served")
    else:
        state = say("stopping" if status["draining"] else "served")
        if status["uptime_ms"] is not None:
            state += f", {say('up', time=told.lasting(status['uptime_ms']))}"
    found = {**status["tasks"], "parked": sum(status["parked"].values())}
    found["pending"] -= found["parked"]
    counts = [say("of_them", count=f"{found[name]:,}", what=say(name)) for name in _COUNTED if found[name]]
    return f"{state}  {', '.join(counts) or say('no_tasks')}"


def alarms(picture: Picture, say: Say) -> list[str]:
    """What a person should know first: what is stopped, and what was refused."""
    lines = [
        f"{say('stopped')}  {name}: {told.one_line(reason)}  ({say('ends_it', verb=ended_by(name))})"
        for name, reason in picture.status["latches"].items()
    ]
    if count := picture.status["rejected"]["last_day"]:
        lines.append(f"{say('refused', count=f'{count:,}')}: {picture.status['rejected']['folder']}")
    return lines


def money_line(picture: Picture, say: Say) -> str:
    """How the month's money stands, in words."""
    month = picture.month
    if month is None:
        return say("no_month")
    limit = say("no_limit") if month.limit is None else told.money(rough(month.limit))
    parts = [say("of", used=told.money(rough(month.settled)), limit=limit)]
    if month.held:
        parts.append(say("held", amount=told.money(rough(month.held))))
    if month.left is not None:
        parts.append(say("left", amount=told.money(rough(month.left))))
    return " · ".join(parts)


def outlook_line(picture: Picture, zone: tzinfo, say: Say) -> str:
    """Where the month's money leads, in words."""
    from koubou.rules.forecast import LEAST_DAYS, reached_at

    spent, month, ahead = picture.spending, picture.month, picture.spending.forecast
    parts = [say("no_forecast", least=LEAST_DAYS, days=spent.days)]
    if ahead is not None:
        low, high = told.money(rough(ahead.low)), told.money(rough(ahead.high))
        parts = [say("forecast", amount=told.money(rough(ahead.amount)), low=low, high=high)]
    parts.append(say("burn", amount=told.money(rough(spent.last_day))))
    at = None if month is None or month.left is None else reached_at(month.left, spent.last_day, picture.at)
    if at is not None and month is not None and (month.reopens is None or at < month.reopens):
        parts.append(say("reached", when=f"{moment(at).astimezone(zone):%m-%d %H:%M}"))
    return " · ".join(parts)


def rough(amount: Nano) -> Nano:
    """An amount to a cent, or to two digits where it is less: what is foreseen is not known to the nano-dollar."""
    cent = 10_000_000
    unit: int = cent if amount >= cent else 10 ** max(0, len(str(amount)) - 2)
    return round(amount / unit) * unit


def state_of(task: Task) -> str:
    """The word for where a task stands."""
    return "parked" if task.park else str(task.status)


def by_day(picture: Picture, zone: tzinfo) -> list[tuple[date, Mapping[str, Nano]]]:
    """The last thirty days, today first."""
    today = day_of(picture.at, zone)
    days = [today - timedelta(days=back) for back in range(DAYS_SHOWN)]
    return [(day, picture.spending.by_day.get(day, {})) for day in days]


def _tiers(picture: Picture, say: Say) -> Pane:
    rows = []
    for name, tier in picture.status["tiers"].items():
        paused = is_paused(name, picture.status["latches"])
        state = "paused" if paused else "unfit" if tier["unfit"] else str(tier["breaker"] or "unknown")
        cells = (
            told.one_line(name),
            _signed(state, say),
            f"{tier['queued']:,}",
            f"{tier['running']}/{tier['places']}",
            _hindrance(tier, picture.at, say),
        )
        rows.append(Row(key=name, cells=cells, mood=state))
    heads = ("TIER", "STATE", "QUEUED", "RUNNING", "WHY")
    return Pane(name="tiers", heads=heads, rows=rows, right=("QUEUED", "RUNNING"))


def _hindrance(tier: Mapping[str, Any], now: Instant, say: Say) -> str:
    if tier["unfit"]:
        why = told.one_line(str(tier["unfit"]))
        return say("looked_at", why=why, when=_clock(tier["looked_at"], now)) if tier["looked_at"] else why
    return say("opens_at", when=_clock(tier["opens_at"], now)) if tier["opens_at"] else ""


def _tasks(picture: Picture, words: str, say: Say) -> Pane:
    rows = [
        Row(
            key=task.id,
            cells=(
                task.id,
                _signed(state_of(task), say),
                told.one_line(task.tier or "–"),
                told.lasting(picture.at - (_began(task) or task.created_at)),
                told.money(rough(task.cost)) if task.cost else "–",
                told.one_line(f"{task.park.reason}: {task.park.detail}" if task.park else task.title or task.type),
            ),
            mood=state_of(task),
        )
        for task in picture.tasks
    ]
    empty = say("none_found", words=words) if words else say("none_tasks", folder=picture.folder)
    heads = ("ID", "STATUS", "TIER", "FOR", "COST", "ABOUT")
    return Pane(name="tasks", heads=heads, rows=rows, right=("FOR", "COST"), empty=empty)


def _began(task: Task) -> Instant | None:
    """Since when it is where it is, as far as that says something: at work, or ended."""
    return task.started_at if task.status is Status.IN_PROGRESS else task.finished_at


def _crew(picture: Picture, say: Say) -> Pane:
    rows = []
    for worker in picture.workers:
        use = picture.uses.get(worker.id)
        cells = (
            told.one_line(worker.tier),
            str(worker.running),
            "–" if use is None else f"{use.cpu:.0f} %",
            "–" if use is None else f"{use.memory / 1e6:.0f} MB",
            told.lasting(picture.at - worker.created_at),
            say(worker.status) if worker.status in _WORKER_STATES else worker.status,
            worker.id,
        )
        rows.append(Row(key=worker.id, cells=cells))
    heads = ("TIER", "RUNNING", "CPU", "MEMORY", "UP", "STATUS", "WORKER")
    right = ("RUNNING", "CPU", "MEMORY", "UP")
    return Pane(name="crew", heads=heads, rows=rows, right=right, empty=say("none_crew"))


def _failures(picture: Picture, say: Say) -> Pane:
    rows = [
        Row(
            key=failure.task.id,
            cells=(
                failure.task.id,
                told.when(failure.task.finished_at, picture.at),
                _reason(failure),
            ),
            mood="failed",
        )
        for failure in picture.failures
    ]
    return Pane(name="failures", heads=("ID", "WHEN", "REASON"), rows=rows, empty=say("none_failures"))


def _reason(failure: Failure) -> str:
    error = failure.rest.error or {}
    remedy = f" → {error['remedy']}" if error.get("remedy") else ""
    return told.one_line(f"{error.get('class', '–')}: {error.get('message', '')}{remedy}")


def _spend(picture: Picture, zone: tzinfo, say: Say) -> Pane:
    days = by_day(picture, zone)
    while days and not any(days[-1][1].values()):
        days.pop()
    most = max((sum(tiers.values()) for _, tiers in days), default=0)
    names = tiers_spent(picture)
    rows = [
        Row(key=f"{day}", cells=(f"{day:%m-%d}", told.money(rough(sum(tiers.values()))), _bar(tiers, most, names)))
        for day, tiers in days
    ]
    return Pane(name="spend", heads=("DAY", "AMOUNT", "BY_TIER"), rows=rows, right=("AMOUNT",), empty=say("none_spend"))


def tiers_spent(picture: Picture) -> list[str]:
    """The tiers that anything was spent in, each with its own of FILLS."""
    return sorted({tier for tiers in picture.spending.by_day.values() for tier, cost in tiers.items() if cost})


def _bar(tiers: Mapping[str, Nano], most: Nano, names: Sequence[str]) -> str:
    """A day's bar: for each tier as many of its letters as its share of the dearest day."""
    if most <= 0:
        return ""
    ends, total = [], 0
    for name in names:
        total += max(0, tiers.get(name, 0))
        ends.append(round(total / most * _BAR))
    starts = [0, *ends]
    return "".join(
        FILLS[place % len(FILLS)] * (end - start) for place, (start, end) in enumerate(zip(starts, ends, strict=False))
    )


def _signed(state: str, say: Say) -> str:
    return f"{SIGNS[state]} {say(state)}" if state in SIGNS else say("unknown")


def _clock(told_at: str, now: Instant) -> str:
    return told.when(instant(datetime.fromisoformat(told_at)), now)
