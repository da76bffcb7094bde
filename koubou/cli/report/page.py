"""A report as one HTML page that needs nothing else: charts, a table beside each, light, dark and on paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from html import escape

from koubou.board.reports import Sum
from koubou.cli.report.charts import SERIES, Bar, legend, lying, standing
from koubou.cli.report.figures import Figures
from koubou.cli.report.shapes import COLUMNS, cells_of, saved_told, shown_key, shown_rate, shown_time
from koubou.cli.report.style import STYLE
from koubou.cli.say import money
from koubou.model.money import Nano

_MOST_DAYS = 92
_MOST_ROWS = 100
_BARS = 12
_OTHERS = "others"
_BELOW = (
    "Tasks count where they ended, calls where they began. Times are of tasks that are still kept: the wait from "
    "arrival to the first run, the run from there to the end. Saved is what the same tokens would have cost on the "
    "tier of hard tasks, at its base price of today, less what was spent."
)


def page(figures: Figures) -> str:
    """The page. It holds numbers, categories, and names of tiers, sessions and submitters; no text and no title."""
    title = f"Koubou: {figures.span.told}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *_opening(figures),
            *_outcomes(figures),
            *_days(figures),
            *_costs("Cost by tier", "tier", figures.by_tier),
            *_costs("Cost by type", "type", figures.by_type),
            *_failures(figures),
            *_rows(figures),
            f"<p><small>{_BELOW}</small></p></body></html>",
            "",
        ]
    )


def _opening(figures: Figures) -> Iterator[str]:
    whole = figures.whole
    facts = {
        "Tasks": f"{whole.tasks:,}",
        "Success": shown_rate(whole),
        "Waited": f"{shown_time(whole.wait_p50)}; 95 of 100 at most {shown_time(whole.wait_p95)}",
        "Took": f"{shown_time(whole.run_p50)}; 95 of 100 at most {shown_time(whole.run_p95)}",
        "Cost": money(figures.cost),
        "Saved": saved_told(figures),
    }
    yield f"<dl>{''.join(f'<dt>{name}</dt><dd>{escape(value)}</dd>' for name, value in facts.items())}</dl>"


def _outcomes(figures: Figures) -> Iterator[str]:
    whole = figures.whole
    counts = {"completed": (whole.completed, 2), "failed": (whole.failed, 5), "cancelled": (whole.cancelled, 6)}
    bars = [Bar(label=name, value=n, told=f"{n:,}", colour=colour) for name, (n, colour) in counts.items()]
    rows = [(bar.label, bar.told) for bar in bars]
    yield _figure("Tasks by outcome", lying("outcomes", "Tasks by outcome", bars), ("Outcome", "Tasks"), rows)


def _days(figures: Figures) -> Iterator[str]:
    if not figures.days:
        return
    spent: defaultdict[str, Nano] = defaultdict(int)
    for tiers in figures.days.values():
        for tier, amount in tiers.items():
            spent[tier] += amount
    series = sorted(spent, key=lambda tier: -spent[tier])
    if len(series) > SERIES:
        series = [*series[: SERIES - 1], _OTHERS]
    columns = [(label, _kept(tiers, series)) for label, tiers in _by_day_or_month(figures)]
    most = max((sum(values.values()) for _, values in columns), default=0)
    drawn = standing("days", "Cost over time, by tier", columns, series, money(most)) + legend(series)
    heads = ("", *series, "Together")
    rows = [
        (label, *(money(values.get(each, 0)) for each in series), money(sum(values.values())))
        for label, values in columns
        if any(values.values())
    ]
    yield _figure("Cost over time, by tier", drawn, heads, rows)


def _by_day_or_month(figures: Figures) -> Iterator[tuple[str, Mapping[str, Nano]]]:
    """Each day from the first with any spending to the last; each month where these are too many to see."""
    first, last = min(figures.days), max(figures.days)
    if (last - first).days < _MOST_DAYS:
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield day.isoformat(), figures.days.get(day, {})
        return
    months: dict[str, dict[str, Nano]] = {}
    for day in sorted(figures.days):
        month = months.setdefault(_month(day), {})
        for tier, amount in figures.days[day].items():
            month[tier] = month.get(tier, 0) + amount
    yield from list(months.items())[-_MOST_DAYS:]


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _kept(tiers: Mapping[str, Nano], series: Sequence[str]) -> dict[str, Nano]:
    kept = {tier: amount for tier, amount in tiers.items() if tier in series}
    left = sum(amount for tier, amount in tiers.items() if tier not in series)
    return {**kept, _OTHERS: left} if left else kept


def _costs(title: str, what: str, sums: Sequence[Sum]) -> Iterator[str]:
    if not sums:
        return
    bars = [Bar(label=shown_key(each.key), value=each.cost, told=money(each.cost)) for each in sums[:_BARS]]
    rows = [(shown_key(each.key), f"{each.calls:,}", money(each.cost)) for each in sums[:_MOST_ROWS]]
    yield _figure(title, lying(f"cost-{what}", title, bars), (what.capitalize(), "Calls", "Cost"), rows)


def _failures(figures: Figures) -> Iterator[str]:
    if not figures.failures:
        return
    names = [f"{each.kind} {each.code}".strip() for each in figures.failures]
    pairs = list(zip(names, figures.failures, strict=True))
    bars = [Bar(label=name, value=each.tasks, told=f"{each.tasks:,}", colour=5) for name, each in pairs]
    rows = [(name, f"{each.tasks:,}") for name, each in pairs]
    yield _figure("What tasks failed of", lying("failures", "What tasks failed of", bars), ("Failure", "Tasks"), rows)


def _rows(figures: Figures) -> Iterator[str]:
    heads = (figures.by.capitalize(), *(head.capitalize() for head in COLUMNS))
    shown = figures.work[:_MOST_ROWS]
    yield f"<h2>By {escape(figures.by)}</h2>"
    yield _table(heads, [cells_of(figures, each) for each in shown])
    if len(figures.work) > len(shown):
        yield f"<p>And {len(figures.work) - len(shown):,} more: koubou report --by {escape(figures.by)} --csv</p>"


def _figure(title: str, drawn: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return f"<h2>{escape(title)}</h2><figure>{drawn}{_table(heads, rows)}</figure>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
