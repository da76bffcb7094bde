"""A report as tables for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from typing import Any

from koubou.board.reports import Sum
from koubou.board.work import Work
from koubou.cli.report.figures import Figures
from koubou.cli.say import lasting, money, paint
from koubou.cli.table import print_table
from koubou.model.instant import Milliseconds, iso
from koubou.model.money import Nano, usd

NONE = "–"
_PER_CENT = 100
_TIMES = ("wait_p50", "wait_p95", "run_p50", "run_p95")
COLUMNS = ("TASKS", "DONE", "FAILED", "SUCCESS", "WAIT P50", "WAIT P95", "RUN P50", "RUN P95", "COST")
"""The heads of the table, after that of its key."""


def as_json(figures: Figures) -> dict[str, Any]:
    """The report for programs: names are added, never changed."""
    saved, span = figures.saved, figures.span
    return {
        "since": iso(span.since),
        "until": iso(span.until),
        "timezone": span.zone,
        "tasks": _work(figures.whole),
        "cost_usd": usd(figures.cost),
        "cost_nusd": figures.cost,
        "high_tier": saved.tier,
        "at_high_tier_usd": _usd(saved.at_high),
        "at_high_tier_nusd": saved.at_high,
        "saved_usd": _usd(saved.amount),
        "saved_nusd": saved.amount,
        "by": figures.by,
        "rows": [{figures.by: each.key, **_row(figures, each)} for each in figures.work],
        "cost_by_type": [_cost("type", each) for each in figures.by_type],
        "cost_by_tier": [_cost("tier", each) for each in figures.by_tier],
        "cost_by_day": [
            {"day": day.isoformat(), "tiers": {tier: {"cost_usd": usd(n), "cost_nusd": n} for tier, n in tiers.items()}}
            for day, tiers in sorted(figures.days.items())
        ],
        "failures": [{"class": each.kind, "code": each.code, "tasks": each.tasks} for each in figures.failures],
    }


def print_csv(figures: Figures) -> None:
    """One line a row, no totals: whoever adds up a column must not count twice."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow([figures.by, *_row(figures, Work(key=None))])
    rows.writerows(["" if each.key is None else each.key, *_row(figures, each).values()] for each in figures.work)


def print_tables(figures: Figures) -> None:
    """The report for people."""
    whole = figures.whole
    print(f"{paint(figures.span.told, 'bold')}\n")
    print(f"  tasks      {whole.tasks:,}: {whole.completed:,} completed, {whole.failed:,} failed", end="")
    print(f", {whole.cancelled:,} cancelled; success {shown_rate(whole)}")
    print(f"  waited     {shown_time(whole.wait_p50)}; 95 of 100 at most {shown_time(whole.wait_p95)}")
    print(f"  took       {shown_time(whole.run_p50)}; 95 of 100 at most {shown_time(whole.run_p95)}")
    print(f"  cost       {money(figures.cost)}")
    print(f"  saved      {saved_told(figures)}\n")
    heads = (figures.by.upper(), *COLUMNS)
    print_table(heads, [cells_of(figures, each) for each in figures.work], right=heads[1:])
    if figures.failures:
        print()
        table = [(each.kind, each.code or NONE, f"{each.tasks:,}") for each in figures.failures]
        print_table(("FAILED OF", "CODE", "TASKS"), table, right=("TASKS",))


def shown_key(key: str | int | None) -> str:
    """What a line is about."""
    return NONE if key is None else str(key)


def shown_time(time: Milliseconds | None) -> str:
    """A length of time."""
    return NONE if time is None else lasting(time)


def shown_rate(work: Work) -> str:
    """The success rate."""
    return NONE if work.success_rate is None else f"{work.success_rate * _PER_CENT:.1f} %"


def saved_told(figures: Figures) -> str:
    """What was saved, and how that is meant."""
    saved = figures.saved
    if saved.at_high is None or saved.amount is None:
        return f"not known: {saved.tier} has no price"
    share = f", {saved.amount / saved.at_high * _PER_CENT:.0f} %" if saved.at_high > 0 else ""
    amount = money(saved.amount) if saved.amount >= 0 else f"-{money(-saved.amount)}"
    return f"{amount}{share}: the same tokens would have cost {money(saved.at_high)} on {saved.tier}, at its base price"


def cells_of(figures: Figures, work: Work) -> tuple[str, ...]:
    """A line of the table, as COLUMNS has it."""
    spent = figures.sums.get(work.key)
    return (
        shown_key(work.key),
        f"{work.tasks:,}",
        f"{work.completed:,}",
        f"{work.failed:,}",
        shown_rate(work),
        *(shown_time(getattr(work, name)) for name in _TIMES),
        money(spent.cost) if spent else NONE,
    )


def _row(figures: Figures, work: Work) -> Mapping[str, Any]:
    spent = figures.sums.get(work.key) or Sum(key=None)
    return {**_work(work), "calls": spent.calls, "cost_usd": usd(spent.cost), "cost_nusd": spent.cost}


def _work(work: Work) -> dict[str, Any]:
    rate = work.success_rate
    return {
        "tasks": work.tasks,
        "completed": work.completed,
        "failed": work.failed,
        "cancelled": work.cancelled,
        "success_rate": None if rate is None else round(rate, 6),
        **{f"{name}_ms": getattr(work, name) for name in _TIMES},
    }


def _cost(name: str, spent: Sum) -> dict[str, Any]:
    return {name: spent.key, "calls": spent.calls, "cost_usd": usd(spent.cost), "cost_nusd": spent.cost}


def _usd(amount: Nano | None) -> float | None:
    return None if amount is None else usd(amount)
