"""The command itself, on a board that stands still: exit codes, one JSON value, and a table for people."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import warm
from builders import NOW, a_new_task, a_tier
from warm import KOUBOU

from koubou.board import Board, open_for_writing
from koubou.config.load import load
from koubou.errors import UnknownTask
from koubou.folders.layout import Layout
from koubou.model.account import AccountKey, Limit
from koubou.model.decision import Breach, Reason, Routed
from koubou.model.instant import HOUR
from koubou.model.money import USD
from koubou.model.status import Move, Park, ParkReason
from koubou.model.task import Difficulty, Sensitivity
from koubou.model.worker import WorkerIdentity
from koubou.views.find import found
from koubou.views.workshop import Workshop


class Home:
    """A workshop that nobody serves, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = Layout(home=str(folder / "home"))
        self.layout.ensure()
        self.config = folder / "koubou.yaml"
        self.config.write_text(f"home: {self.layout.home}\n")

    def board(self) -> Board:
        return Board(open_for_writing(Path(self.layout.board) / "koubou.db"))

    def koubou(self, *words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KOUBOU_")}
        environment = {**kept, "KOUBOU_CONFIG": str(self.config), "TZ": "UTC", **environ}
        return warm.run([KOUBOU, *words], environment, self.folder, stdin)

    def ask(self, *words: str) -> Any:
        done = self.koubou(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One task that waits for money, one in the queue, one that was answered, one that failed."""
    home = Home(tmp_path_factory.mktemp("reads"))
    board = home.board()
    with board.transaction():
        for number, name in enumerate(("broke", "queued", "answered", "failed")):
            board.tasks.insert(a_new_task(name, title="工房のタスク\x1b[2J"), NOW + number)
            task = board.tasks.get(name)
            assert task is not None
            board.history.add(task.seq, "task.enqueued", "from a test", NOW + number)
            reasons = (Reason(rule="difficulty.score", reason="score 2"),)
            board.tasks.classified(task, Sensitivity.INTERNAL, Difficulty.LOW, reasons, NOW)
            task = board.tasks.at(task.seq)
            board.tasks.routed(task, Routed(tier="local", reasons=(Reason(rule="tier.low", reason="easy"),)), NOW)
            task = board.tasks.at(task.seq)
            match name:
                case "broke":
                    park = Park(reason=ParkReason.BUDGET, detail="month:2027-01 has $0.10 left", until=NOW + 90 * HOUR)
                    key = AccountKey("month:2027-01")
                    breach = Breach(park=park, account=key, need=USD, least=USD, bearable=USD)
                    board.tasks.parked(task, park, NOW, breach)
                case "answered" | "failed":
                    board.tasks.admitted(task, USD // 10, 100, NOW)
                    task = board.tasks.at(task.seq)
                    error = {"class": "auth", "code": "401", "message": "no key", "remedy": "set the key"}
                    if name == "answered":
                        board.tasks.ended(task, Move.COMPLETED, NOW)
                    else:
                        board.tasks.ended(task, Move.FAILED, NOW, error={**error, "retryable": False})
                    board.tasks.filed(task.seq, NOW)
        board.ledger.open_account(Limit(name="month:2027-01", limit=USD, ceiling=USD, reopens=NOW + 90 * HOUR), NOW)
    board.connection.close()
    shelf = Path(home.layout.completed) / "answered"
    (shelf / "runs/1").mkdir(parents=True)
    (shelf / "runs/1/answer.txt").write_text("Forty-two, 四十二")
    (shelf / "output.json").write_text(json.dumps({"task": "answered", "status": "completed", "answer": "Forty-two"}))
    return home


def test_list_is_one_json_list_newest_first(home: Home) -> None:
    assert [task["id"] for task in home.ask("list")] == ["failed", "answered", "queued", "broke"]
    assert [task["id"] for task in home.ask("list", "--park", "budget")] == ["broke"]
    assert home.ask("list", "--status", "assigned") == []


def test_list_is_a_table_that_a_title_cannot_break(home: Home) -> None:
    done = home.koubou("list", "--limit", "2")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "TIER", "TYPE", "AGE", "COST", "ABOUT"]
    assert len(lines) == 3
    assert "\x1b" not in done.stdout
    assert "2 more" in done.stderr


def test_show_has_the_shape_that_programs_rely_on(home: Home) -> None:
    shown = home.ask("show", "BROKE")
    assert (shown["status"], shown["tier"], shown["sensitivity"], shown["difficulty"]) == (
        "pending",
        "local",
        "internal",
        "low",
    )
    assert shown["park"]["reason"] == "budget"
    assert shown["park"]["until"] == "2027-01-19T02:00:00.000Z"
    assert (shown["attempts"], shown["cost_usd"]) == (0, 0.0)
    assert shown["history"][0] | {"actor": ""} == {
        "at": "2027-01-15T08:00:00.000Z",
        "source": "workshop",
        "event": "task.enqueued",
        "reason": "from a test",
        "actor": "",
    }
    assert home.ask("show", "answered")["park"] is None
    assert home.ask("show", "failed")["error"]["class"] == "auth"


def test_status_has_the_shape_that_programs_rely_on(home: Home) -> None:
    status = home.ask("status")
    assert status["tasks"] == {
        "pending": 2,
        "routing": 0,
        "assigned": 0,
        "in_progress": 0,
        "completed": 1,
        "failed": 1,
        "cancelled": 0,
    }
    assert status["parked"] == {"budget": 1}
    assert status["tiers"]["local"] == {
        "breaker": None,
        "unfit": None,
        "opens_at": None,
        "looked_at": None,
        "queued": 1,
        "running": 0,
        "places": 2,
    }
    assert (status["emergency"], status["served"], status["workers"]) == (False, False, [])
    assert [account["name"] for account in status["accounts"]] == ["month:2027-01"]
    assert "not served" in home.koubou("status").stdout


def test_status_names_the_agents_that_run_without_a_sandbox(home: Home) -> None:
    assert home.ask("status")["without_sandbox"] == []
    assert "sandbox" not in home.koubou("status").stdout
    free = "price: {input: 0, output: 0}"
    coder = "executor: codex, reach: local, base_url: 'http://127.0.0.1:9/v1', model: m"
    tiers = f"{{bare: {{{coder}, sandbox: off, {free}}}, walled: {{{coder}, {free}}}}}"
    before = home.config.read_text()
    try:
        home.config.write_text(f"home: {home.layout.home}\ntiers: {tiers}\n")
        assert home.ask("status")["without_sandbox"] == ["bare"]
        assert home.ask("status", "--set", "log.level=debug")["without_sandbox"] == ["bare"], "read whole"
        assert "open     agents without a sandbox: bare: what is confidential" in home.koubou("status").stdout
    finally:
        home.config.write_text(before)


def test_status_counts_the_files_that_were_refused(home: Home) -> None:
    assert home.ask("status")["rejected"] == {"last_day": 0, "folder": home.layout.rejected}
    assert "refused" not in home.koubou("status").stdout
    reason = Path(home.layout.rejected) / "a.yaml.error.json"
    reason.write_text("{}")
    try:
        assert home.ask("status")["rejected"]["last_day"] == 1
        assert (
            f"refused  1 file within the last day: {home.layout.rejected}/*.error.json" in home.koubou("status").stdout
        )
    finally:
        reason.unlink()


def test_budget_status_has_the_shape_that_programs_rely_on(home: Home) -> None:
    (month,) = home.ask("budget", "status")["accounts"]
    assert (month["name"], month["dimension"]) == ("month:2027-01", "usd")
    assert (month["limit_usd"], month["settled_usd"], month["held_usd"], month["left_usd"]) == (1.0, 0.0, 0.0, 1.0)
    assert (month["unreconciled_usd"], month["settled_nusd"], month["held_nusd"]) == (0.0, 0, 0)


def test_explain_names_the_numbers_and_when_they_change(home: Home) -> None:
    told = home.koubou("explain", "broke").stdout
    for part in ("budget", "$0.10 left", "2027-01-19T02:00:00", "$1.00 are needed", "tier.low", "koubou serve"):
        assert part in told
    assert "1 come first" not in home.koubou("explain", "queued").stdout
    assert "set the key" in home.koubou("explain", "failed").stdout
    explained = home.ask("explain", "broke")
    assert {"rule": "difficulty.score", "reason": "score 2"} in explained["route"]
    assert explained["now"]


def test_wait_is_the_verdict_of_all(home: Home) -> None:
    assert home.koubou("wait", "answered").returncode == 0
    both = home.koubou("wait", "answered", "failed")
    assert both.returncode == 1
    assert both.stdout == "answered completed\nfailed failed\n"
    late = home.koubou("wait", "queued", "--timeout", "0")
    assert late.returncode == 75
    assert "queued" in late.stderr


def test_log_and_follow_say_the_answer(home: Home) -> None:
    assert home.koubou("log", "answered").stdout == "Forty-two, 四十二\n"
    assert home.ask("log", "answered")["run"] == 1
    assert home.koubou("log", "answered", "--run", "7").returncode == 64
    followed = home.koubou("follow", "answered")
    assert (followed.returncode, followed.stdout) == (0, "Forty-two, 四十二\n")
    lines = [json.loads(line) for line in home.koubou("follow", "answered", "--json").stdout.splitlines()]
    assert [line["event"] for line in lines] == ["answer", "task.enqueued", "end"]
    assert lines[-1]["answer"] == "Forty-two"


def test_questions_to_the_board_are_tables_or_lists_of_objects(home: Home) -> None:
    query = "SELECT status, COUNT(*) AS n FROM task_master GROUP BY status ORDER BY 1"
    rows = home.ask("board", "sql", query)
    assert rows == [{"status": "completed", "n": 1}, {"status": "failed", "n": 1}, {"status": "pending", "n": 2}]
    assert home.koubou("board", "sql", query).stdout.splitlines()[0].split() == ["status", "n"]
    refused = home.koubou("board", "sql", "DELETE FROM task")
    assert (refused.returncode, refused.stdout) == (64, "")


def test_a_backup_that_cannot_be_made_exits_73(home: Home) -> None:
    assert home.koubou("board", "backup", f"{home.folder}/copy.db").returncode == 0
    nowhere = home.koubou("board", "backup", f"{home.folder}/nowhere/copy.db")
    assert nowhere.returncode == 73
    assert nowhere.stderr.count("the copy cannot be made") == 1
    assert home.koubou("board", "backup", f"{home.layout.board}/koubou.db").returncode == 73


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "no-such"), 64),
        (("list", "--limit", "-1"), 64),
        (("budget", "resume"), 64),
        (("cancel",), 64),
        (("cancel", "queued", "--tier", "local"), 64),
        (("cancel", "queued"), 69),
        (("release", "queued", "--as", "public", "--reason", "x"), 69),
        (("release", "queued", "--as", "secret", "--reason", "x"), 64),
        (("rate", "queued", "good"), 69),
        (("rate", "queued", "great"), 64),
        (("status", "--config", "/nowhere/koubou.yaml"), 78),
        (("check", "--config", "/nowhere/koubou.yaml"), 78),
        (("list", "--set", "hoome=/x"), 78),
        (("submit", "no-such-file.yaml"), 64),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_have_a_message_and_a_code_and_no_traceback(home: Home, words: tuple[str, ...], code: int) -> None:
    done = home.koubou(*words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("koubou: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_who_takes_a_refused_file_for_a_task_is_told_where_it_says_why(home: Home) -> None:
    reason = Path(home.layout.rejected) / "wrong.yml.error.json"
    reason.write_text("{}")
    for verb in ("show", "explain", "wait"):
        done = home.koubou(verb, "wrong")
        assert done.returncode == 64
        assert str(reason) in done.stderr
    assert "refused" not in home.koubou("show", "../rejected/wrong").stderr
    reason.unlink()


def test_who_reads_no_further_is_no_error(home: Home) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{KOUBOU} list --config {home.config} | true; {KOUBOU} schema | head -c 1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


def test_the_workshop_is_found_the_same_way_quick_or_checked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(**environ: str) -> tuple[str, str]:
        for name in [name for name in os.environ if name.startswith("KOUBOU_")]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        workshop = Workshop(home.config, {})
        assert dict(workshop.places) == {
            name: max(tier.workers.min, tier.workers.max or (1 if tier.reach == "local" else 2))
            * (tier.concurrency or (2 if tier.reach == "local" else 16))
            for name, tier in workshop.settings.tiers.items()
        }
        return workshop.layout.home, load(home.config, os.environ, {}).home

    plain = home.config.read_text()
    try:
        assert both() == (home.layout.home, home.layout.home)
        assert both(KOUBOU_HOME="/elsewhere") == ("/elsewhere", "/elsewhere")
        (home.folder / "conf.d").mkdir()
        (home.folder / "conf.d/home.yaml").write_text("home: /other\n")
        assert both() == ("/other", "/other")
        (home.folder / "conf.d/home.yaml").unlink()
        home.config.write_text(
            plain + "tiers:\n  a: {reach: local, base_url: http://localhost:1/v1, model: m, workers: {min: 3}}\n"
            "  b: {reach: cloud, base_url: https://x.example/v1, model: m, concurrency: 5, workers: {max: 7}}\n"
        )
        assert both() == (home.layout.home, home.layout.home)
    finally:
        home.config.write_text(plain)


def test_who_was_at_work_when_the_master_died_is_not_idle(home: Home) -> None:
    board = home.board()
    with board.transaction():
        board.crew.hired(WorkerIdentity(id="w-left", tier="local", pid=7, born=8, boot="b"), a_tier("local"), NOW)
    board.connection.close()
    try:
        (worker,) = home.ask("status")["workers"]
        assert (worker["worker"], worker["status"]) == ("w-left", "offline")
        assert "w-left" not in home.koubou("status").stdout
        assert [each["status"] for each in home.ask("workers")] == ["offline"]
    finally:
        board = home.board()
        with board.transaction():
            board.connection.execute("DELETE FROM worker")
        board.connection.close()


@pytest.fixture
def held(home: Home) -> Iterator[Home]:
    """The same, as if a master held it."""
    with open(f"{home.layout.run}/master.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home
    os.unlink(f"{home.layout.run}/master.lock")


def test_a_held_workshop_is_served(held: Home) -> None:
    workshop = Workshop(held.config, {})
    assert workshop.served


def test_a_file_that_is_being_taken_in_is_waited_for_as_long_as_one_has_patience(held: Home) -> None:
    dropped = Path(held.layout.tasks, "slow.yaml")
    dropped.write_text("id: slow\nprompt: What takes long to look at.\n")
    looks = iter([None, None, None, "slow"])
    workshop = Workshop(held.config, {})
    assert found(workshop, lambda _: next(looks), "slow", patience=60) == "slow"
    with pytest.raises(UnknownTask):
        found(workshop, lambda _: None, "slow", patience=0)
    dropped.unlink()
    with pytest.raises(UnknownTask):
        found(workshop, lambda _: None, "slow", patience=60)


def test_a_held_workshop_whose_master_does_not_answer_is_still_read(held: Home) -> None:
    assert held.ask("status")["tasks"]["completed"] == 1
    assert held.koubou("cancel", "queued").returncode == 69
    preview = held.koubou("cancel", "--tier", "local")
    assert preview.returncode == 0
    assert "queued" in preview.stdout
    assert "answered" not in preview.stdout
    assert "--yes" in preview.stderr
