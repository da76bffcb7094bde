"""koubou budget and koubou estimate, as they are typed, on a board that stands still."""

from __future__ import annotations

import csv
import io
import json
import os
import pwd
import re
import struct
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import warm
from builders import a_new_task
from ledger_lines import spend
from warm import KOUBOU

from koubou.board import Board, open_for_writing
from koubou.cli.budget.plot import Picture, draw
from koubou.errors import UsageMistake
from koubou.folders.layout import Layout
from koubou.model.account import AccountKey, Limit
from koubou.model.instant import DAY, HOUR, moment
from koubou.model.money import USD
from koubou.model.run import Run
from koubou.views.scopes import account_named, scope_named

JANUARY = 1_735_689_600_000
"""2025-01-01 00:00 UTC: a month that is past, so that what is told of it never changes."""
NOW = time.time_ns() // 1_000_000
SETTINGS = """\
home: {home}
budget: {{timezone: Asia/Tokyo}}
tiers:
  strong: {{reach: cloud, base_url: "https://api.example.com/v1", model: strong-1, api_key: {{env: NOBODY_HAS_IT}},
           price: {{input: 1, output: 10}}, max_output_tokens: 2000}}
  local: {{reach: local, base_url: "http://127.0.0.1:9/v1", model: small, price: {{input: 0, output: 0}}}}
routing: {{high: strong, medium: strong, low: local}}
"""


class Home:
    """A workshop that nobody serves, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(home=str(folder / "home"))
        self.layout.ensure()
        (folder / "koubou.yaml").write_text(SETTINGS.format(home=self.layout.home))

    def koubou(self, *words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KOUBOU_")}
        environment = {**kept, "KOUBOU_CONFIG": str(self.folder / "koubou.yaml"), "TZ": "UTC", **environ}
        return warm.run([KOUBOU, *words], environment, self.folder, stdin)

    def ask(self, *words: str, stdin: str = "") -> Any:
        done = self.koubou(*words, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def month_of(now: int) -> str:
    return f"month:{moment(now + 9 * HOUR):%Y-%m}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three days of January 2025; and now, four of ten dollars spent and one held."""
    home = Home(tmp_path_factory.mktemp("money"))
    board = Board(open_for_writing(Path(home.layout.board) / "koubou.db"))
    with board.transaction():
        spend(board, JANUARY + 14 * HOUR, USD, tier="strong", model="strong-1", submitter=os.getuid(), session="a")
        spend(board, JANUARY + 16 * HOUR, 2 * USD, tier="strong", model="strong-1", submitter=os.getuid())
        spend(board, JANUARY + 2 * DAY, USD, tier="other", model="strong-1-2026-12-31", unreconciled=True)
        spend(board, JANUARY + 2 * DAY, 0, tier="local", model="small", operation="bug_fix", submitter=987_654)
        spend(board, NOW, 4 * USD, tier="strong", model="strong-1")
        for name, limit, dimension, reopens in (
            (month_of(NOW), 10 * USD, "usd", NOW + 40 * DAY),
            ("day:2020-02-02", 5 * USD, "usd", NOW - DAY),
            ("session:release", 1_000, "tokens", None),
            ("task:waiting", 60_000, "time", None),
        ):
            board.ledger.open_account(
                Limit(name=name, dimension=dimension, limit=limit, ceiling=limit, reopens=reopens), NOW
            )
        board.ledger.count(AccountKey(month_of(NOW)), 4 * USD, USD)
        board.ledger.count(AccountKey("session:release", "tokens"), 1_200)
        board.tasks.insert(a_new_task("waiting"), NOW)
        board.crew.latch("model:strong-1", "a bill of $2.00 on a hold of $1.00", NOW)
    board.connection.close()
    return home


# budget status


def test_status_shows_a_block_for_each_account_of_now(home: Home) -> None:
    for words in (("budget",), ("budget", "status")):
        told = re.sub(" +", " ", home.koubou(*words).stdout)
        assert f"{month_of(NOW)} until " in told
        assert " usd ██████████░░░░░░░░░░░░░░ 40 % $4.00 of $10.00 $6.00 left $1.00 unreconciled\n" in told
        assert " tokens ████████████████████████ 120 % 1,200 of 1,000 0 left 200 over\n" in told
        assert " time ░░░░░░░░░░░░░░░░░░░░░░░░ 0 % 0ms of 1m 1m left" in told
        assert "day:2020-02-02" not in told
        assert "STOPPED model:strong-1: a bill of $2.00 on a hold of $1.00 (koubou budget resume --reason …)" in told
        assert "room for 1 call at $4.00 (mean of 1); strong: 1 call at $4.00" in told
        assert "burn $4.00 a day, $0.1667 an hour (last 24 hours)" in told
    assert "day:2020-02-02" in home.koubou("budget", "--all").stdout


def test_bars_are_ascii_where_nothing_else_can_be_written(home: Home) -> None:
    done = home.koubou("budget", "--account", "session", PYTHONIOENCODING="ascii")
    assert "######################## 120 %" in done.stdout
    assert done.returncode == 0
    assert home.koubou("budget", PYTHONIOENCODING="ascii").returncode == 0


def test_status_in_json_keeps_its_shape_and_says_more(home: Home) -> None:
    found = home.ask("budget", "status")
    by_name = {account["name"]: account for account in found["accounts"]}
    assert set(by_name) == {month_of(NOW), "day:2020-02-02", "session:release", "task:waiting"}
    assert by_name[month_of(NOW)]["left_usd"] == 6.0
    assert by_name[month_of(NOW)]["settled_nusd"] == 4 * USD
    assert {key: by_name["session:release"][key] for key in ("dimension", "limit", "settled", "held", "left")} == {
        "dimension": "tokens",
        "limit": 1_000,
        "settled": 1_200,
        "held": 0,
        "left": 0,
    }
    assert found["emergency"] is False
    assert found["latches"] == {"model:strong-1": "a bill of $2.00 on a hold of $1.00"}
    assert found["burn"]["usd_per_day"] == 4.0
    assert found["burn"]["calls_left"]["all"] == {
        "calls": 1,
        "mean_usd": 4.0,
        "of": 1,
        "account": month_of(NOW),
    }
    assert found["forecast"] is None or found["forecast"]["usd"] >= 4.0
    assert [account["name"] for account in home.ask("budget", "--account", "session:*")["accounts"]] == [
        "session:release"
    ]


# budget report


def test_a_report_is_a_table_with_its_total(home: Home) -> None:
    lines = home.koubou("budget", "report", "--month", "2025-01", "--by", "tier").stdout.splitlines()
    assert lines[0] == "2025-01-01 to 2025-01-31 (Asia/Tokyo)"
    heads = "TIER CALLS INPUT CACHED WRITTEN OUTPUT REASONING COST UNRECONCILED SHARE"
    assert lines[2].split() == heads.split()
    assert [line.split() for line in lines[3:]] == [
        ["strong", "2", "2,000", "0", "0", "400", "0", "$3.00", "–", "75.0", "%"],
        ["other", "1", "1,000", "0", "0", "200", "0", "$1.00", "$1.00", "25.0", "%"],
        ["local", "1", "1,000", "0", "0", "200", "0", "$0.00", "–", "0.0", "%"],
        ["total", "4", "4,000", "0", "0", "800", "0", "$4.00", "$1.00", "100.0", "%"],
    ]


def test_a_report_by_backend_tells_how_the_runs_of_each_did(tmp_path: Path) -> None:
    home = Home(tmp_path)
    board = Board(open_for_writing(Path(home.layout.board) / "koubou.db"))
    with board.transaction():
        for number, (executor, outcome) in enumerate((("codex", "answered"), ("codex", "cut"), ("chat", "answered"))):
            task = board.tasks.insert(a_new_task(f"t{number}"), JANUARY)
            values = {
                "task": task,
                "number": 1,
                "tier": "t",
                "worker": "w",
                "call": f"c{number}",
                "cap": 1,
                "timeout": 1,
            }
            board.runs.insert(Run(**values, admitted_at=JANUARY, executor=executor))
            board.runs.ended(task, 1, outcome, JANUARY + 60_000)
            spend(board, JANUARY, USD, task=f"t{number}")
    board.connection.close()
    words = ("budget", "report", "--month", "2025-01", "--by", "backend")
    lines = [line.split() for line in home.koubou(*words).stdout.splitlines()[2:]]
    assert lines == [
        ["BACKEND", "RUNS", "SUCCEEDED", "FAILED", "SUCCESS", "COST", "PER", "RUN", "MEAN", "TIME"],
        ["codex", "2", "1", "1", "50.0%", "$2.00", "$1.00", "1m"],
        ["chat", "1", "1", "0", "100.0%", "$1.00", "$1.00", "1m"],
        ["total", "3", "2", "1", "66.7%", "$3.00", "$1.00", "1m"],
    ]
    codex = home.ask(*words)["rows"][0]
    assert codex == {
        "backend": "codex",
        "runs": 2,
        "succeeded": 1,
        "failed": 1,
        "success_rate": 0.5,
        "cost_usd": 2.0,
        "cost_nusd": 2 * USD,
        "mean_time_ms": 60_000,
    }
    told = list(csv.reader(io.StringIO(home.koubou(*words, "--format", "csv").stdout)))
    assert told[0] == list(codex)
    assert [row[0] for row in told[1:]] == ["codex", "chat"]


def test_a_report_in_json_adds_up(home: Home) -> None:
    found = home.ask("budget", "report", "--month", "2025-01", "--by", "submitter")
    me = pwd.getpwuid(os.getuid()).pw_name
    assert {row["submitter"]: row["cost_usd"] for row in found["rows"]} == {me: 3.0, None: 1.0, "987654": 0.0}
    assert found["total"]["cost_nusd"] == sum(row["cost_nusd"] for row in found["rows"]) == 4 * USD
    assert (found["since"], found["timezone"]) == ("2024-12-31T15:00:00.000Z", "Asia/Tokyo")


def test_a_report_in_csv_has_a_line_for_each_day_of_the_time_zone(home: Home) -> None:
    done = home.koubou("budget", "report", "--month", "2025-01", "--by", "day", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["day"], row["calls"], row["cost_usd"], row["share"]) for row in rows] == [
        ("2025-01-01", "1", "1.0", "0.25"),
        ("2025-01-02", "1", "2.0", "0.5"),
        ("2025-01-03", "2", "1.0", "0.25"),
    ]


def test_a_report_by_day_in_json_says_what_each_tier_cost(home: Home) -> None:
    rows = home.ask("budget", "report", "--month", "2025-01", "--by", "day")["rows"]
    assert [row["day"] for row in rows] == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert all(row["tiers"] for row in rows)
    assert all(sum(row["tiers"].values()) == row["cost_usd"] for row in rows)


def test_a_month_without_spending_is_a_total_of_nothing(home: Home) -> None:
    found = home.ask("budget", "report", "--month", "2031-01")
    assert found["rows"] == []
    assert (found["total"]["cost_usd"], found["total"]["share"]) == (0.0, None)


@pytest.mark.parametrize("month", ["2025-01", "2031-01"], ids=["spent", "empty"])
def test_a_picture_is_drawn_also_of_nothing(home: Home, month: str) -> None:
    png, svg = home.folder / f"{month}.png", home.folder / f"{month}.svg"
    for picture in (png, svg):
        done = home.koubou("budget", "report", "--month", month, "--plot", picture.name)
        assert (done.returncode, f"drawn: {picture.name}" in done.stderr) == (0, True), done.stderr
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert width >= 1_000 < height * 2
    assert "<svg" in svg.read_text()


def test_what_a_bill_added_has_a_name_in_the_picture(tmp_path: Path) -> None:
    day = date(2027, 1, 15)
    picture = Picture(days={day: {"": 5 * USD, "strong": USD}}, first=day, last=day, accounts=(), zone="UTC")
    draw(picture, str(tmp_path / "a.svg"))
    drawn = (tmp_path / "a.svg").read_text()
    assert "<!-- strong -->" in drawn
    assert "<!-- reconciled -->" in drawn


def test_a_picture_without_its_library_says_how_to_get_it(home: Home) -> None:
    (home.folder / "without").mkdir(exist_ok=True)
    (home.folder / "without" / "matplotlib.py").write_text("raise ImportError\n")
    done = home.koubou("budget", "report", "--plot", "a.png", PYTHONPATH=str(home.folder / "without"))
    assert done.returncode == 69
    assert "pip install koubou[plot]" in done.stderr
    assert done.stdout == ""


def test_a_picture_that_cannot_be_written_is_no_traceback(home: Home) -> None:
    done = home.koubou("budget", "report", "--plot", "nowhere/a.png")
    assert (done.returncode, "Traceback" in done.stderr) == (73, False), done.stderr
    assert "nowhere/a.png: the picture cannot be written: No such file or directory" in done.stderr
    assert home.koubou("budget", "report", "--plot", "a.pdf").returncode == 64


# budget reconcile


def test_a_bill_is_compared_without_a_master(home: Home) -> None:
    bill = "model,hour,cost_usd\nstrong-1,2025-01-01T14:00:00Z,0.75\nstrong-1,2025-01-01T16:00:00Z,2\n"
    found = home.ask("budget", "reconcile", "-", "--dry-run", stdin=bill)
    assert found == {
        "groups": [
            {
                "model": "strong-1",
                "hour": "2025-01-01T14:00:00.000Z",
                "billed": 3 * USD // 4,
                "ledger": USD,
                "added": 0,
            },
            {
                "model": "strong-1",
                "hour": "2025-01-01T16:00:00.000Z",
                "billed": 2 * USD,
                "ledger": 2 * USD,
                "added": 0,
            },
        ],
        "added": 0,
        "alarm": False,
        "reason": "",
        "under_way": 0,
        "dry_run": True,
    }
    told = home.koubou("budget", "reconcile", "-", "--dry-run", stdin=bill).stdout
    assert "2 of 2 hours need no correction; $0.00 would be added" in told
    unknown = "model,date,cost_usd\nstrong-1-2026-12-31,2025-01-03,0.25\n"
    told = home.koubou("budget", "reconcile", "-", "--dry-run", stdin=unknown).stdout
    assert "strong-1-2026-12-31 2025-01-03T00:00Z $0.25 $1.00 -$0.75" in re.sub(" +", " ", told)


def test_a_bill_of_a_day_above_the_ledger_is_an_alarm(home: Home) -> None:
    bill = '[{"model": "strong-1, input", "date": "2025-01-01", "cost_usd": 4}]'
    done = home.koubou("budget", "reconcile", "-", "--dry-run", stdin=bill)
    assert done.returncode == 1
    assert "ALARM: a provider's bill is above the ledger (strong-1: billed $4.00, in the ledger $3.00)" in done.stderr
    assert home.koubou("budget", "reconcile", "-", stdin=bill).returncode == 69


@pytest.mark.parametrize("dry", [("--dry-run",), ()], ids=["dry", "real"])
def test_a_bill_of_nothing_is_no_mistake_and_one_of_the_impossible_is_told_at_its_row(
    home: Home, dry: tuple[str, ...]
) -> None:
    head = "model,hour,cost_usd\n"
    nothing = home.koubou("budget", "reconcile", "-", *dry, stdin=head)
    assert (nothing.returncode, nothing.stdout) == (0, "nothing billed\n"), nothing.stderr
    for row, told in (
        (
            "a,9999-12-31T23:00:00Z,1",
            "standard input:2: is of a time before the year 2000, or more than two days ahead",
        ),
        (
            "a,1969-01-01T00:00:00Z,1",
            "standard input:2: is of a time before the year 2000, or more than two days ahead",
        ),
        ("a,2025-01-01T14:00:00Z,1000000001", "standard input:2: has an amount above $1,000,000,000"),
        ("a,2025-01-01T14:00:00Z,1e9\nb,2025-01-01,1", "standard input: comes to more than $1,000,000,000"),
    ):
        refused = home.koubou("budget", "reconcile", "-", *dry, stdin=f"{head}{row}\n")
        assert (refused.returncode, refused.stderr) == (65, f"koubou: {told}\n")


def test_a_bill_that_cannot_be_read_says_every_line(home: Home) -> None:
    (home.folder / "bad.csv").write_text("model,hour,cost_usd\na,b,1\na,2025-01-01,c\n")
    done = home.koubou("budget", "reconcile", "bad.csv")
    assert done.returncode == 65
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["bad.csv:2", "bad.csv:3"]


# what is typed wrongly


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("set month", 64),
        ("set month --usd 5", 64),
        ("set mouth --usd 5 --reason x", 64),
        ("set tier: --usd 5 --reason x", 64),
        ("set month --usd much --reason x", 64),
        ("set month --tokens 1.5 --reason x", 64),
        ("set month --usd 5 --none --reason x", 64),
        ("set month --usd 5 --reason x", 69),
        ("set session:a --none tokens --default time --reason x", 69),
        ("set submitter:nobody-at-all --usd 5 --reason x", 64),
        ("set submitter:root --usd 5 --reason x", 69),
        ("set month --usd 1000000000 --reason x", 69),
        ("set month --usd 1000000001 --reason x", 64),
        ("add submitter:nobody-at-all --usd 5", 64),
        ("add", 64),
        ("add a-task", 64),
        ("add a-task --usd 0", 64),
        ("add year:2027 --usd 1", 64),
        ("add a-task --usd 1 --time 15m", 69),
        ("reset month", 64),
        ("reset session:a --reason x", 69),
        ("resume", 64),
        ("resume --reason x", 69),
        ("report --by week", 64),
        ("report --month 2027-1", 64),
        ("report --json --format csv", 64),
        ("reconcile /nowhere.csv", 64),
        ("spend", 64),
    ],
)
def test_mistakes_have_a_message_and_a_code(home: Home, words: str, code: int) -> None:
    done = home.koubou("budget", *words.split())
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("koubou: ")
    assert "Traceback" not in done.stderr


def test_a_submitter_is_meant_by_name_or_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = pwd.getpwuid(0)
    monkeypatch.setattr(pwd, "getpwnam", {"root": entry}.__getitem__)
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry])
    assert [scope_named(f"submitter:{user}") for user in ("root", "0", "4242")] == [
        "submitter:0",
        "submitter:0",
        "submitter:4242",
    ]
    assert account_named("submitter:root:month:2026-11") == "submitter:0:month:2026-11"
    with pytest.raises(
        UsageMistake, match=r'this machine knows no user "roto" \(did you mean "root"\?\); give the uid'
    ):
        scope_named("submitter:roto")


def test_finish_takes_what_cancel_takes(home: Home) -> None:
    assert home.koubou("finish", "waiting").returncode == 69
    assert home.koubou("finish").returncode == 64


# estimate


def test_an_estimate_says_tier_cost_hold_and_how_many_fit(home: Home) -> None:
    task = {"prompt": "Say hello. " * 100, "tier": "strong", "type": "code_review", "max_output_tokens": 1_000}
    (found,) = home.ask("estimate", "-", stdin=json.dumps(task))
    assert (found["type"], found["sensitivity"], found["tier"], found["model"]) == (
        "code_review",
        "public",
        None,
        None,
    ), "the model is frozen"
    assert "frozen" in found["verdict"]


def test_an_estimate_needs_no_key_and_says_what_it_takes_for_granted(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path)
    task = {"prompt": "Say hello. " * 100, "tier": "strong", "type": "code_review", "max_output_tokens": 1_000}
    (found,) = other.ask("estimate", "-", stdin=json.dumps(task))
    assert (found["tier"], found["model"], found["fits"]) == ("strong", "strong-1", True)
    assert found["operation"]["name"] == "reviewCode"
    assert found["estimated"] | {"tokens": 0} == {
        "input_tokens": 283,
        "output_tokens": 1_000,
        "tokens": 0,
        "cost_usd": 0.010283,
        "cost_nusd": 10_283_000,
    }
    bound = len(json.dumps([{"role": "user", "content": task["prompt"]}], separators=(",", ":"))) + 64 + 16
    assert (found["hold"]["input_tokens"], found["hold"]["output_tokens"]) == (bound, 1_000)
    assert found["hold"]["cost_nusd"] == bound * 1_000 + 10_000_000
    month = next(room for room in found["room"] if room["account"].startswith("month:"))
    # The task may hold less than its cap: what must be there is the least that a call needs.
    assert month["fit"] == (500 * USD - found["hold"]["cost_nusd"]) // 10_283_000 + 1
    assert found["how_many_fit"] == min(room["fit"] for room in found["room"])
    assert len(found["notes"]) == 2


def test_an_estimate_of_several_documents_tells_of_each_and_of_all(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "notes.txt").write_text("Beside the task file.")
    (tmp_path / "tasks.yaml").write_text(
        "id: first\nprompt: What is two and two?\ntype: question_answering\n---\n"
        "prompt: Look at this\nfiles: [notes.txt]\ntier: strong\nnot_before: 2199-01-01T00:00:00Z\n---\n"
        "prompt: 'password = \"kx9!vvQ2pp\"'\ntier: strong\n"
    )
    done = home.koubou("estimate", "tasks.yaml")
    assert done.returncode == 0, done.stderr
    assert "first\n  task       question_answering; low" in done.stdout
    assert "tier       local (small)" in done.stdout
    assert "tier       strong (strong-1)" in done.stdout
    assert "it has a time before which it does not start" in done.stdout
    assert "secrecy: strong is not local, and the task is confidential" in done.stdout
    assert "3 documents: probably $" in done.stdout
    assert "no master answers" in done.stderr
    assert not list((tmp_path / "home" / "tasks").glob("*.yaml")), "nothing is submitted"


def test_an_estimate_knows_what_cannot_be_paid(tmp_path: Path) -> None:
    home = Home(tmp_path)
    task = json.dumps({"prompt": "Say hello", "tier": "strong"})
    (never,) = home.ask("estimate", "-", "--set", "budget.monthly.usd=0.001", stdin=task)
    assert never["fits"] is False
    assert "never allows more than $0.001" in never["verdict"]
    assert (never["how_many_fit"], "task:" in never["verdict"]) == (0, False)
    (own,) = home.ask("estimate", "-", "--set", "budget.task.usd=0.001", stdin=task)
    assert (own["fits"], own["how_many_fit"]) == (False, 0)
    assert "its own account never allows more than $0.001" in own["verdict"]
    told = home.koubou("estimate", "-", "--set", "budget.task.usd=0.001", stdin=task).stdout
    assert told.partition("such fit")[2].split() == ["0"]
    board = Board(open_for_writing(Path(home.layout.board) / "koubou.db"))
    with board.transaction():
        name = month_of(NOW)
        board.ledger.open_account(Limit(name=name, limit=500 * USD, ceiling=500 * USD, reopens=NOW + 40 * DAY), NOW)
        board.ledger.count(AccountKey(name), 500 * USD - 1)
    board.connection.close()
    (later,) = home.ask("estimate", "-", stdin=task)
    assert later["fits"] is False
    assert later["verdict"].startswith(f"budget: {name} has $0.00 left of $500.00")


def test_operations_are_a_table_of_the_settings(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (tmp_path / "koubou.yaml").open("a") as settings:
        settings.write("operations: {mine: {type: testing, input_tokens: 1000000, output_tokens: 100}}\n")
    rows = {row["operation"]: row for row in home.ask("estimate", "--operations")}
    assert rows["mine"]["cost_usd"] == {"strong": 1.001, "local": 0.0}
    assert rows["analyzeIssue"]["input_tokens"] == 5_000
    task = json.dumps({"prompt": "Say hello", "tier": "local"})
    (found,) = home.ask("estimate", "-", "--operation", "mine", stdin=task)
    assert found["estimated"]["output_tokens"] == 100
    unknown = home.koubou("estimate", "-", "--operation", "analyseIssue", stdin=task)
    assert (unknown.returncode, 'did you mean "analyzeIssue"' in unknown.stderr) == (64, True)


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        (("-",), "prmpt: x\n", 65),
        (("-",), "prompt: [\n", 65),
        (("-",), "prompt: x\ntier: strnog\n", 65),
        (("/nowhere.yaml",), "", 64),
        ((), "", 64),
        (("-", "--operations"), "prompt: x\n", 64),
    ],
    ids=str,
)
def test_what_the_intake_would_reject_is_not_estimated(
    home: Home, words: tuple[str, ...], stdin: str, code: int
) -> None:
    done = home.koubou("estimate", *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
