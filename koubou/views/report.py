"""What was spent in a time, by what it was spent on, in the shape of `koubou budget report --json`."""

from __future__ import annotations

import pwd
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import Any

from msgspec.structs import replace

from koubou.board.reading import Reading
from koubou.board.reports import Backend, Sum, total
from koubou.model.instant import iso
from koubou.model.money import Nano, usd
from koubou.views.span import Span

BACKEND, DAY = "backend", "day"


def report_shape(board: Reading, by: str, span: Span, zone: tzinfo) -> dict[str, Any]:
    """The report by what its lines are about; ask within one picture."""
    if by == BACKEND:
        return backends_shape(board.reports.backends(span.since, span.until), span)
    days = board.reports.days(span.since, span.until, zone) if by == DAY else {}
    return sums_shape(by, sums_of(board, by, span, zone), span, days)


def sums_of(board: Reading, by: str, span: Span, zone: tzinfo) -> list[Sum]:
    """Its lines, with submitters by their names."""
    sums = board.reports.sums(by, span.since, span.until, zone)
    return [replace(each, key=user_of(each.key)) for each in sums] if by == "submitter" else sums


def sums_shape(by: str, sums: Sequence[Sum], span: Span, days: Mapping[date, Mapping[str, Nano]]) -> dict[str, Any]:
    """The lines and their total; lines about days also say what each tier cost, by `days`."""
    whole = total(sums)
    return {
        **_times(span),
        "by": by,
        "rows": [{by: each.key, **amounts(each, whole), **_tiers(by, each, days)} for each in sums],
        "total": amounts(whole, whole),
    }


def backends_shape(backends: Sequence[Backend], span: Span) -> dict[str, Any]:
    """How the runs of each executor did."""
    rows = [backend_amounts(each) for each in backends]
    return {**_times(span), "by": BACKEND, "rows": rows, "total": backend_amounts(all_of(backends))}


def tokens(each: Sum) -> tuple[int, ...]:
    """Calls and tokens, as columns."""
    return each.calls, each.input, each.cached_input, each.cache_write, each.output, each.reasoning


def amounts(each: Sum, whole: Sum) -> dict[str, Any]:
    """The columns of one line, by name."""
    names = ("calls", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    return {
        **dict(zip(names, tokens(each), strict=True)),
        "cost_usd": usd(each.cost),
        "cost_nusd": each.cost,
        "unreconciled_usd": usd(each.unreconciled),
        "share": round(each.cost / whole.cost, 6) if whole.cost > 0 else None,
    }


def all_of(backends: Sequence[Backend]) -> Backend:
    """All of them together."""
    names = ("runs", "succeeded", "failed", "cost", "time")
    return Backend(backend="total", **{name: sum(getattr(each, name) for each in backends) for name in names})


def backend_amounts(each: Backend) -> dict[str, Any]:
    """The columns of one executor, by name."""
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


def _tiers(by: str, each: Sum, days: Mapping[date, Mapping[str, Nano]]) -> dict[str, Any]:
    if by != DAY:
        return {}
    return {"tiers": {tier: usd(cost) for tier, cost in days.get(date.fromisoformat(str(each.key)), {}).items()}}


def _times(span: Span) -> dict[str, Any]:
    return {"since": iso(span.since), "until": iso(span.until), "timezone": span.zone}


def user_of(uid: str | int | None) -> str | None:
    """The user's name; the bare number of one that this machine does not know."""
    if uid is None:
        return None
    try:
        return pwd.getpwuid(int(uid)).pw_name
    except KeyError:
        return str(uid)
