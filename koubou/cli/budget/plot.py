"""The picture of a report: cost per day by tier beside the day's limit, and the whole of it beside the month's."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from msgspec import Struct

from koubou.errors import KoubouError, UsageMistake
from koubou.model.account import Account
from koubou.model.money import Nano, show_usd, usd

_KINDS = (".png", ".svg")
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Told apart also by the colour-blind: Okabe and Ito, Color Universal Design (2008)."""
_INK, _FAINT, _LIMIT = "#333333", "#DDDDDD", "#B00020"
_TIERS_SHOWN = len(_COLOURS)
_BY_THE_BILL = "reconciled"
"""What a provider's bill added, of which nobody knows a tier."""
_CENT: Nano = 10_000_000
_MOST_DAYS = 3 * 366
_DAYS_AS_DAYS = 92
_FAR_ABOVE = 2.5
"""A limit so many times above all that is drawn would flatten it: it is named instead of drawn."""


class NoPlotting(KoubouError):
    """The library that draws is not installed."""


class Picture(Struct, frozen=True, kw_only=True):
    """What is drawn: spending by day and tier from the first day to the last, and the accounts with their limits."""

    days: Mapping[date, Mapping[str, Nano]]
    first: date
    last: date
    accounts: Sequence[Account]
    zone: str


def check(path: str) -> None:
    """Raise UsageMistake where the file's name is no picture's, NoPlotting where nothing can draw it."""
    if os.path.splitext(path)[1].lower() not in _KINDS:
        raise UsageMistake(f"--plot takes a file whose name ends in {' or '.join(_KINDS)}")
    try:
        import matplotlib  # noqa: F401  # only whether it is there
    except ImportError:
        raise NoPlotting("pictures need matplotlib, which is not installed: pip install koubou[plot]") from None


def draw(picture: Picture, path: str) -> None:
    """Write the picture. Raises OSError, and UsageMistake for more days than anybody can see."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # All the time there ever was begins with the first spending.
    first = max(picture.first, min(picture.days, default=picture.last)) if picture.first.year == 1970 else picture.first
    days = [first + timedelta(days=number) for number in range((picture.last - first).days + 1)]
    if len(days) > _MOST_DAYS:
        raise UsageMistake(f"a picture shows {_MOST_DAYS} days at most; narrow it with --since")
    tiers = _tiers(picture.days)
    figure = Figure(figsize=(10, 6.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    whole = sum(sum(tiers.values()) for tiers in picture.days.values())
    told = f"${usd(whole):,.2f}" if whole >= _CENT else show_usd(whole)
    figure.suptitle(f"Cost of language-model calls, {_days(first, picture.last)}", color=_INK, fontsize=14)
    above.set_title(f"{told} in all; days in {picture.zone}", color=_INK, fontsize=9, loc="left")
    _draw_days(above, days, tiers, picture)
    _draw_sum(below, days, picture)
    _date_axis(below, days)
    figure.savefig(path, format=os.path.splitext(path)[1][1:].lower(), facecolor="white")


def _tiers(days: Mapping[date, Mapping[str, Nano]]) -> dict[str, str]:
    """The tiers that are drawn, the dearest at the bottom, each with its colour."""
    sums: dict[str, Nano] = {}
    for tiers in days.values():
        for tier, cost in tiers.items():
            sums[tier] = sums.get(tier, 0) + cost
    dearest = sorted((tier for tier in sums if sums[tier] > 0), key=lambda tier: (-sums[tier], tier))
    return dict(zip(dearest, _COLOURS, strict=False))


def _draw_days(axes: Any, days: Sequence[date], tiers: Mapping[str, str], picture: Picture) -> None:
    bottoms = [0.0] * len(days)
    names = list(tiers)
    shown = names if len(names) < _TIERS_SHOWN else names[: _TIERS_SHOWN - 1]
    others = {tier for found in picture.days.values() for tier in found} - set(shown)
    for label, colour, members in [
        *((tier or _BY_THE_BILL, tiers[tier], {tier}) for tier in shown),
        *([("others", "#999999", others)] if len(names) > len(shown) else []),
    ]:
        heights = [
            usd(max(0, sum(cost for tier, cost in picture.days.get(day, {}).items() if tier in members)))
            for day in days
        ]
        axes.bar(days, heights, bottom=bottoms, width=0.8, color=colour, label=label, linewidth=0)
        bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
    limits = {account.name: account.limit for account in picture.accounts if account.dimension == "usd"}
    by_day = [limits.get(f"day:{day}") for day in days]
    _limit_of_days(axes, days, by_day, max(bottoms, default=0.0))
    axes.set_ylabel("USD a day", color=_INK)
    _dress(axes, max(bottoms, default=0.0))
    if not any(bottoms):
        axes.text(0.5, 0.5, "nothing was spent", transform=axes.transAxes, ha="center", color="#777777", fontsize=12)


def _of(tiers: Collection[str], spent: Mapping[str, Nano]) -> Nano:
    return sum(cost for tier, cost in spent.items() if tier in tiers)


def _limit_of_days(axes: Any, days: Sequence[date], limits: Sequence[Nano | None], highest: float) -> None:
    """The limit of each day for which there was one, as a line over that day."""
    from matplotlib.dates import date2num

    known = [usd(limit) for limit in limits if limit is not None]
    if not known:
        return
    if highest and min(known) > highest * _FAR_ABOVE:
        axes.plot([], [], color=_LIMIT, linewidth=1.4, label=f"limit of a day: ${min(known):,.2f}\n(above the picture)")
        return
    label: str | None = "limit of the day"
    for day, limit in zip(days, limits, strict=True):
        if limit is not None:
            middle = float(date2num(day))  # type: ignore[no-untyped-call]  # the library has no types for it
            axes.hlines(usd(limit), middle - 0.5, middle + 0.5, colors=_LIMIT, linewidth=1.4, label=label)
            label = None


def _draw_sum(axes: Any, days: Sequence[date], picture: Picture) -> None:
    """What was spent in all since each month began, beside the month's limit."""
    months: dict[str, list[date]] = {}
    for day in days:
        months.setdefault(f"{day:%Y-%m}", []).append(day)
    limits = {account.name: account.limit for account in picture.accounts if account.dimension == "usd"}
    sums = {
        month: [usd(cost) for cost in accumulate(sum(picture.days.get(day, {}).values()) for day in of_month)]
        for month, of_month in months.items()
    }
    highest = max((max(values) for values in sums.values()), default=0.0)
    told: set[str] = set()
    for month, of_month in months.items():
        past = [day for day in of_month if day <= max(picture.days, default=day)]
        axes.fill_between(past, sums[month][: len(past)], color=_COLOURS[0], alpha=0.15, linewidth=0)
        axes.plot(past, sums[month][: len(past)], color=_COLOURS[0], linewidth=1.8)
        limit = limits.get(f"month:{month}")
        if limit is None:
            continue
        if highest and usd(limit) > highest * _FAR_ABOVE:
            label = f"limit of the month: ${usd(limit):,.2f}\n(above the picture)"
            axes.plot([], [], color=_LIMIT, linewidth=1.4, label=None if label in told else label)
        else:
            label = "limit of the month"
            axes.hlines(usd(limit), of_month[0], of_month[-1], colors=_LIMIT, label=None if label in told else label)
        told.add(label)
    axes.set_ylabel("USD since the 1st", color=_INK)
    _dress(axes, highest)


def _dress(axes: Any, highest: float) -> None:
    """Round numbers, faint lines, and a legend in the order in which things lie upon one another."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.margins(y=0.08)
    axes.set_ylim(bottom=0)
    if not highest and axes.get_ylim()[1] < 1:
        axes.set_ylim(top=1)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    top = axes.get_ylim()[1]
    places = next((places for places in (0, 1, 2, 3, 4, 5) if top >= 6 / 10**places), 6)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:,.{2 if places == 1 else places}f}"))
    axes.grid(axis="y", color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        above = [place for place, label in enumerate(labels) if label.startswith("limit")]
        order = [*above, *(place for place in reversed(range(len(labels))) if place not in above)]
        axes.legend(
            [handles[place] for place in order],
            [labels[place] for place in order],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            labelcolor=_INK,
            fontsize=9,
        )


def _date_axis(axes: Any, days: Sequence[date]) -> None:
    """A dozen of days at most by name; from some months on, the firsts of months."""
    marked = list(days)
    if len(days) > _DAYS_AS_DAYS:
        marked = [day for day in days if day.day == 1]
    marked = marked[:: -(-len(marked) // 12)]
    year = {day.year for day in days}
    word = "%b %-d" if len(year) == 1 or len(days) <= _DAYS_AS_DAYS else "%b %Y"
    axes.set_xticks(marked, [f"{day:{word}}" for day in marked])
    axes.set_xlim(days[0] - timedelta(days=1), days[-1] + timedelta(days=1))
    axes.set_xlabel("day" if len(year) > 1 else f"day ({days[0].year})", color=_INK)


def _days(first: date, last: date) -> str:
    """The days in words: a whole month by its name."""
    if first.day == 1 and (last + timedelta(days=1)).day == 1 and (last - first).days < 31:
        return f"{first:%B %Y}"
    return f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
