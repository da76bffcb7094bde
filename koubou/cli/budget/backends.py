"""The report by backend: how often the runs of each executor succeeded, what they cost, and how long they took."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence

from koubou.board.reports import Backend
from koubou.cli.say import lasting, money, paint, print_json
from koubou.cli.table import print_table
from koubou.views.report import all_of, backend_amounts, backends_shape
from koubou.views.span import Span

_NONE = "–"


def print_backends(shape: str, backends: Sequence[Backend], span: Span) -> None:
    """As a table, as data, or as lines of values. Runs of tasks that are no longer kept are not among them."""
    match shape:
        case "json":
            print_json(backends_shape(backends, span))
        case "csv":
            lines = csv.writer(sys.stdout, lineterminator="\n")
            lines.writerow(backend_amounts(Backend(backend="")))
            lines.writerows(
                ["" if value is None else value for value in backend_amounts(each).values()] for each in backends
            )
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
        for each in (*backends, all_of(backends))
    ]
    print_table(heads, rows, right=heads[1:])
