"""`python -m koubou.window.metrics_reference`: the page of the metrics, rendered from their definitions."""

from __future__ import annotations

import sys

from koubou.model.figures import Figure
from koubou.window.figures import GROUPS

_HEAD = """\
# Metrics

Rendered from the code by `python -m koubou.window.metrics_reference`.

`GET /metrics` of the window answers in the text format of Prometheus. `etc/prometheus/koubou.yml` scrapes it,
`etc/prometheus/koubou.rules.yml` has alerts, `etc/grafana/koubou.json` is a dashboard.

Labels are tiers, models and executors of the settings, and words of the code: no id, title, text, session or person.
Accounts of month, day, tiers and models have series of their own. Limits of submitters are counted together, and those
of sessions and tasks are left out, because there may be any number of them.

What the master counts begins at zero when it starts, as `rate()` and `increase()` expect; everything else is read from
the board. Where no master answers, `koubou_master_up` is 0 and what only it knows is missing.
"""


def render() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for group, figures in GROUPS.items():
        parts.append(f"## {group}\n")
        rows = [_row(figure) for figure in figures]
        parts.append(
            "\n".join(["| metric | kind | labels | what it says |", "| --- | --- | --- | --- |", *rows]) + "\n"
        )
    return "\n".join(parts)


def _row(figure: Figure) -> str:
    labels = ", ".join(f"`{label}`" for label in figure.labels)
    bounds = f" Buckets: {', '.join(f'{bound:g}' for bound in figure.buckets)}." if figure.buckets else ""
    return f"| `{figure.name}` | {figure.kind} | {labels} | {figure.help}{bounds} |"


if __name__ == "__main__":
    sys.stdout.write(render())
