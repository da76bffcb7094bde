"""What was done in a time: how tasks ended, their times, cost and savings; as tables, data and one page with charts."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from builders import NOW, a_new_task

from koubou.board import Board, open_for_writing
from koubou.cli.main import main
from koubou.folders.layout import Layout
from koubou.model.instant import DAY, MINUTE, SECOND

SETTINGS = """\
home: {home}
budget: {{timezone: UTC}}
tiers:
  strong:
    reach: cloud
    base_url: https://example.com/v1
    model: big
    api_key: {{env: KEY}}
    price: {{input: 10, output: 20, cached_input: 1}}
  small:
    reach: cloud
    base_url: https://example.com/v1
    model: small
    api_key: {{env: KEY}}
    price: {{input: 1, output: 2}}
routing: {{high: strong, medium: small, low: small}}
"""


class Office:
    """A workshop whose month is over, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(home=str(folder / "home"))
        self.layout.ensure()
        self.config = folder / "koubou.yaml"
        self.config.write_text(SETTINGS.format(home=self.layout.home))
        self.board = Board(open_for_writing(Path(self.layout.board) / "koubou.db"))

    def done(self, name: str, status: str, waited: int, took: int, **more: Any) -> None:
        """A task that ended, and its one call."""
        error = more.pop("error", None)
        cost = more.pop("cost", 3_000)
        task_type = more.pop("task_type", "bug_fix")
        self.board.tasks.insert(a_new_task(name, type=task_type, title="Secret <b>title</b>", **more), NOW)
        self.board.connection.execute(
            "UPDATE task SET status = ?, waiting = NULL, error = ?, started_at = ?, finished_at = ?, filed_at = ?, "
            "tier = 'small' WHERE id = ?",
            (status, error, NOW + waited, NOW + waited + took, NOW + waited + took, name),
        )
        self.board.connection.execute(
            "INSERT INTO ledger (call, kind, task, operation, run, tier, model, session, submitter, amount, tokens, "
            "accounts, input, cached_input, output, begun_at, at) "
            "VALUES (?, 'settle', ?, ?, 1, 'small', 'small', ?, 0, ?, 2000, '[]', 1000, 500, 1000, ?, ?)",
            (f"call-{name}", name, task_type, more.get("session"), cost, NOW + waited, NOW + waited),
        )

    def koubou(self, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        environ = {"KOUBOU_CONFIG": str(self.config), "TZ": "UTC"}
        with patch.dict(os.environ, environ), redirect_stdout(out), redirect_stderr(err):
            return (
                main(["report", "--since", "2020-01-01", "--until", "2030-01-01", *words]),
                out.getvalue(),
                err.getvalue(),
            )


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(tmp_path_factory.mktemp("office"))
    refused = json.dumps({"class": "provider", "code": "<500>", "message": "Secret words"})
    with office.board.transaction():
        for number in range(1, 11):
            office.done(f"good-{number}", "completed", number * SECOND, number * MINUTE, session="s<1>")
        office.done("bad", "failed", SECOND, SECOND, error=refused, task_type="testing")
        office.done("worse", "failed", SECOND, SECOND, error=refused, task_type="testing")
        office.done("off", "cancelled", SECOND, SECOND, task_type="testing")
        office.board.tasks.insert(a_new_task("open"), NOW)
    return office


def test_tasks_are_counted_by_outcome_and_timed(office: Office) -> None:
    code, out, _ = office.koubou("--json")
    assert code == 0
    told = json.loads(out)
    tasks = told["tasks"]
    assert (tasks["tasks"], tasks["completed"], tasks["failed"], tasks["cancelled"]) == (13, 10, 2, 1)
    assert tasks["success_rate"] == round(10 / 12, 6)
    bug_fix, testing = told["rows"]
    assert (bug_fix["type"], bug_fix["tasks"], bug_fix["success_rate"]) == ("bug_fix", 10, 1.0)
    assert (bug_fix["wait_p50_ms"], bug_fix["wait_p95_ms"]) == (5 * SECOND, 10 * SECOND)
    assert (bug_fix["run_p50_ms"], bug_fix["run_p95_ms"]) == (5 * MINUTE, 10 * MINUTE)
    assert (testing["type"], testing["failed"], testing["cost_nusd"]) == ("testing", 2, 9_000)
    assert told["failures"] == [{"class": "provider", "code": "<500>", "tasks": 2}]


def test_savings_are_the_same_tokens_at_the_price_of_the_high_tier(office: Office) -> None:
    told = json.loads(office.koubou("--json")[1])
    # 500 fresh tokens at $10, 500 cached ones at $1, 1,000 of output at $20 a million: 25,500,000 nano-dollars a call.
    assert told["cost_nusd"] == 13 * 3_000
    assert told["at_high_tier_nusd"] == 13 * 25_500_000
    assert told["saved_nusd"] == told["at_high_tier_nusd"] - told["cost_nusd"]
    assert told["high_tier"] == "strong"


def test_only_what_ended_within_the_time_counts(office: Office) -> None:
    code, out, _ = office.koubou("--until", "2020-02-01", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["tasks"]["tasks"], told["tasks"]["success_rate"], told["rows"], told["saved_nusd"]) == (0, None, [], 0)


@pytest.mark.parametrize(("by", "first"), [("type", "bug_fix"), ("tier", "small"), ("session", "s<1>")])
def test_a_table_has_a_line_for_each(office: Office, by: str, first: str) -> None:
    rows = list(csv.DictReader(io.StringIO(office.koubou("--by", by, "--csv")[1])))
    assert rows[0][by] == first
    assert sum(int(row["tasks"]) for row in rows) == 13
    assert sum(int(row["cost_nusd"]) for row in rows) == 13 * 3_000
    shown = office.koubou("--by", by)[1]
    assert "saved" in shown
    assert "$0.331461, 100 %: the same tokens would have cost $0.3315 on strong" in shown


class Page(HTMLParser):
    """Sees whether a page is whole: each tag closed, nothing fetched, nothing run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag


def test_the_page_is_whole_in_itself_and_tells_no_texts(office: Office) -> None:
    file = office.folder / "report.html"
    code, _, err = office.koubou("--html", str(file))
    assert code == 0, err
    text = file.read_text()
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "onload"} & {name for name, _ in page.attributes}
    assert "url(" not in text
    assert text.count("<svg") == text.count("<figure>") == 5
    assert text.count("<table>") == 6  # one beside each chart, and the lines of the report
    assert "Secret" not in text
    assert "provider &lt;500&gt;" in text
    assert "<500>" not in text
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) == text.count("aria-labelledby")
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert len(text.encode()) < 100_000


def test_a_page_of_years_and_of_many_sessions_stays_small(tmp_path: Path) -> None:
    office = Office(tmp_path)
    with office.board.transaction():
        for number in range(600):
            office.done(f"t-{number}", "completed", number * DAY, SECOND, session=f"session-{number}-{'x' * 60}")
    file = tmp_path / "report.html"
    code, _, err = office.koubou("--by", "session", "--html", str(file))
    assert code == 0, err
    assert len(file.read_bytes()) < 100_000
    assert "And 500 more" in file.read_text()


def test_a_page_that_cannot_be_written_is_told(office: Office) -> None:
    code, _, err = office.koubou("--html", str(office.folder / "nowhere" / "report.html"))
    assert code == 73
    assert "cannot be written" in err
    assert office.koubou("--json", "--csv")[0] == 64
