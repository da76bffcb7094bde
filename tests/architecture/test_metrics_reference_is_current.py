"""The page of the metrics is rendered from their definitions; rules and dashboard know only metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from promtool import needs_promtool, promtool

from koubou.model.figures import Figure, Kind
from koubou.window.figures import ALL
from koubou.window.metrics_reference import render

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "metrics.md"
PROMETHEUS = PROJECT / "etc" / "prometheus"
RULES = PROMETHEUS / "koubou.rules.yml"
DASHBOARD = PROJECT / "etc" / "grafana" / "koubou.json"

SAMPLES: dict[str, Figure] = {
    f"{figure.name}{end}": figure
    for figure in ALL
    for end in (("_bucket", "_sum", "_count") if figure.kind is Kind.HISTOGRAM else ("",))
}
OF_THE_SCRAPE = {"job", "instance", "le"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def queries() -> Iterator[str]:
    for panel in panels():
        yield from (target["expr"] for target in panel.get("targets", ()))
    for annotation in json.loads(DASHBOARD.read_text())["annotations"]["list"]:
        yield annotation["expr"]


def strangers(query: str) -> list[str]:
    """What a query asks for that nobody exports: metrics, or labels that a metric does not have."""
    found = [name for name in re.findall(r"\bkoubou_\w+", query) if name not in SAMPLES]
    for name, matchers in re.findall(r"\b(koubou_\w+)\{([^}]*)\}", query):
        labels = set(re.findall(r"(\w+)\s*[=!]", matchers))
        if name in SAMPLES:
            found += [f"{name}{{{label}}}" for label in labels - set(SAMPLES[name].labels) - OF_THE_SCRAPE]
    return found


def test_the_page_of_the_metrics_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "stale: run `python -m koubou.window.metrics_reference > docs/reference/metrics.md`"
    )


def test_a_metric_is_named_as_prometheus_asks() -> None:
    for figure in ALL:
        assert re.fullmatch(r"koubou_[a-z][a-z0-9_]*", figure.name), figure.name
        assert (figure.kind is Kind.COUNTER) == figure.name.endswith("_total"), figure.name
        assert figure.kind is not Kind.HISTOGRAM or figure.name.endswith("_seconds"), figure.name
        assert figure.help.endswith("."), figure.name
        assert list(figure.buckets) == sorted(set(figure.buckets)), figure.name


def test_a_label_is_never_what_there_can_be_any_number_of() -> None:
    labels = {label for figure in ALL for label in figure.labels}
    assert labels.isdisjoint({"task", "id", "title", "session", "submitter", "user", "call", "run", "claim", "file"})


def test_a_query_for_what_nobody_exports_is_found() -> None:
    assert strangers("sum(koubou_nothing{}) + koubou_tasks") == ["koubou_nothing"]
    assert strangers('rate(koubou_spent_usd_total{job="x", title="y"}[5m])') == ["koubou_spent_usd_total{title}"]
    assert strangers("koubou_turn_seconds") == ["koubou_turn_seconds"]


def test_the_dashboard_asks_only_for_what_is_exported() -> None:
    assert [each for query in queries() for each in strangers(query)] == []


def test_the_dashboard_begins_with_money_and_no_panel_hides_another() -> None:
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == ["Money", "Queue", "Crew", "Errors", "Time"]
    assert len({panel["id"] for panel in panels()}) == len(panels())
    taken = [
        (x, y)
        for panel in panels()
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_the_rules_ask_only_for_what_is_exported_and_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert strangers(rule["expr"]) == [], rule
        assert set(re.findall(r"\bkoubou:[\w:]+", rule["expr"])) <= recorded, rule


def test_every_alert_is_tried() -> None:
    tried = (PROMETHEUS / "koubou.rules.test.yml").read_text()
    assert [rule["alert"] for rule in rules() if rule.get("alert", "") not in tried] == []


def test_the_scrape_goes_where_the_window_listens_in_every_example() -> None:
    scrape = yaml.safe_load((PROMETHEUS / "koubou.yml").read_text())["scrape_configs"][0]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:8700"]}]


@needs_promtool
def test_promtool_takes_the_rules_and_the_scrape() -> None:
    promtool("check", "rules", str(RULES))
    promtool("check", "config", "--syntax-only", str(PROMETHEUS / "koubou.yml"))


@needs_promtool
def test_promtool_sees_every_alert_fire_and_be_silent() -> None:
    promtool("test", "rules", str(PROMETHEUS / "koubou.rules.test.yml"))


@needs_promtool
def test_promtool_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    asked = [query.replace("$__rate_interval", "5m").replace("$__range", "1h") for query in queries()]
    made = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(asked)]
    page = tmp_path / "dashboard.yml"
    page.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    promtool("check", "rules", str(page))
