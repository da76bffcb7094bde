"""The report by backend: how often the runs of each executor succeeded, what they cost, and how long they took."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from typing import Any

from koubou.board.reports import Backend
from koubou.cli.budget.span import Span
from koubou.cli.say import lasting, money, paint, print_json
from koubou.cli.table import print_table
from koubou.model.instant import iso
from koubou.model.money import usd

_NONE = "–"


def print_backends(shape: str, backends: Sequence[Backend], span: Span) -> None:
    """As a table, as data, or as lines of values. Runs of tasks that are no longer kept are not among them."""
    match shape:
        case "json":
            rows = [_amounts(each) for each in backends]
            times = {"since": iso(span.since), "until": iso(span.until), "timezone": span.zone}
            print_json({**times, "by": "backend", "rows": rows, "total": _amounts(_all(backends))})
        case "csv":
            lines = csv.writer(sys.stdout, lineterminator="\n")
            lines.writerow(_amounts(Backend(backend="")))
            lines.writerows(["" if value is None else value for value in _amounts(each).values()] for each in backends)
        case _:
            _print_table(backends, span)


def _print_table(backends: Sequence[Backend], span: Span) -> None:
    print(f"{paint(span.told, 'bold')}\n")
    heads = ("BACKEND", "RUNS", "SUCCEEDED", "FAILED", "SUCCESS", "COST", "PER RUN", "MEAN TIME")
    rows = [
        (
            each.backend or _NONE,
            *(f"{count:,}" for count in (each.runs, each.succeeded, each.failed)),
            _NONE if each.success_rate is None else f"{each.success_rate:.1%}",
            money(each.cost),
            money(each.cost // each.runs) if each.runs else _NONE,
            _NONE if each.mean_time is None else lasting(each.mean_time),
        )
        for each in (*backends, _all(backends))
    ]
    print_table(heads, rows, right=heads[1:])


def _all(backends: Sequence[Backend]) -> Backend:
    names = ("runs", "succeeded", "failed", "cost", "time")
    return Backend(backend="total", **{name: sum(getattr(each, name) for each in backends) for name in names})


def _amounts(each: Backend) -> dict[str, Any]:
    return {
        "backend": each.backend or None,
        "runs": each.runs,
        "succeeded": each.succeeded,
        "failed": each.failed,
        "success_rate": None if each.success_rate is None else round(each.success_rate, 6),
        "cost_usd": usd(each.cost),
        "cost_nusd": each.cost,
        "mean_time_ms": each.mean_time,
    }
