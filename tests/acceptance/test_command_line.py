"""Every verb answers people with a table and programs with one JSON value, and its exit code is the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulator import Simulator
from workshop import OpenWorkshop, Workshop, a_tier, three_tiers

USAGE, BAD_TASK_FILE, NO_MASTER, BAD_SETTINGS = 64, 65, 69, 78


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    """A workshop with a task at each kind of place: done, failed, waiting for its time; shared by the tests here."""
    with Simulator() as provider:
        provider.behave(model="nobody", errors={"context": 1.0})
        with Workshop(provider) as workshop:
            tiers = three_tiers(provider)
            workshop.settings["tiers"] = {**tiers, "broken": a_tier(provider, "cloud", "nobody")}
            workshop.write_settings()
            workshop.start()
            workshop.drop("done.yaml", {"id": "done", "prompt": "Hello", "session": "spring", "type": "documentation"})
            workshop.drop("dear.yaml", {"id": "dear", "prompt": "Hello", "tier": "gpt5_high"})
            workshop.drop("lost.yaml", {"id": "lost", "prompt": "Hello", "tier": "broken"})
            workshop.drop("later.yaml", {"id": "later", "prompt": "Hello", "not_before": "2100-01-01T00:00:00Z"})
            workshop.drop("bad.yaml", {"prompt": "Hello", "colour": "red"})
            for task in ("done", "dear"):
                workshop.output(task)
            workshop.error("lost")
            workshop.wait_for_park("later", "schedule")
            yield workshop


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--status", "completed"),
        ("status",),
        ("show", "done"),
        ("explain", "later"),
        ("check",),
        ("version",),
        ("budget", "status"),
        ("wait", "done"),
    ],
    ids=" ".join,
)
def test_a_verb_speaks_to_people_and_to_programs(shop: Workshop, words: tuple[str, ...]) -> None:
    people = shop.koubou(*words)
    assert people.returncode == 0, people.stderr
    assert people.stdout.strip()
    assert "\x1b[" not in people.stdout, "no colour where no terminal is"
    shop.ask(*words)


def test_help_names_every_verb(shop: Workshop) -> None:
    text = shop.koubou("--help").stdout
    verbs = (
        "serve submit list status show log follow wait explain cancel retry release check schema version budget board"
    )
    assert [verb for verb in verbs.split() if verb not in text] == []
    for verb in verbs.split():
        asked = shop.koubou(verb, "--help")
        assert asked.returncode == 0, verb
        assert verb in asked.stdout


def test_version_is_told_also_without_settings(shop: Workshop) -> None:
    assert shop.koubou("version", config=False).stdout.strip()


def test_list_filters(shop: Workshop) -> None:
    def ids(*words: str) -> set[str]:
        return {task.get("id", task.get("task")) for task in shop.ask("list", *words)}

    assert {"done", "dear", "lost", "later"} <= ids()
    assert "done" in ids("--status", "completed")
    assert "later" not in ids("--status", "completed")
    assert ids("--session", "spring") == {"done"}
    assert "lost" in ids("--tier", "broken")
    assert "done" not in ids("--tier", "broken")
    assert "done" in ids("--type", "documentation")


def test_show_says_all_that_other_programs_rely_on(shop: Workshop) -> None:
    later = shop.show("later")
    assert later["status"] == "pending"
    assert later["park"]["reason"] == "schedule"
    assert later["park"]["until"].startswith("2100-01-01T00:00:00")
    done = shop.show("done")
    assert (done["status"], done["park"], done["tier"], done["sensitivity"]) == ("completed", None, "local", "public")
    assert {"difficulty", "attempts", "cost_usd"} <= set(done)
    events = [line["event"] for line in done["history"]]
    assert [event for event in events if event in {"task.enqueued", "task.admitted", "task.completed"}] == [
        "task.enqueued",
        "task.admitted",
        "task.completed",
    ]
    assert all({"at", "event", "reason"} <= set(line) for line in done["history"])


def test_status_says_all_that_other_programs_rely_on(shop: Workshop) -> None:
    status = shop.status()
    assert status["tasks"]["completed"] >= 2
    assert status["tasks"]["failed"] >= 1
    for name in ("gpt5_high", "gpt5_medium", "local", "broken"):
        assert {"breaker", "queued", "running", "places"} <= set(status["tiers"][name])
    assert status["emergency"] is False
    assert isinstance(status["workers"], list)
    assert any(account["name"].startswith("month:") for account in status["accounts"])


def test_budget_status_says_all_that_other_programs_rely_on(shop: Workshop) -> None:
    month = shop.month()
    words = "name dimension limit_usd settled_usd held_usd left_usd unreconciled_usd settled_nusd held_nusd"
    assert set(words.split()) <= set(month)
    assert month["limit_usd"] == 1000
    assert month["settled_nusd"] == shop.provider.bill()["nusd"]


def test_a_failed_task_says_why_and_what_to_do(shop: Workshop) -> None:
    error = shop.error("lost")
    assert (error["task"], error["status"]) == ("lost", "failed")
    assert {"class", "code", "message", "remedy", "retryable"} <= set(error["error"])
    assert "lost" in shop.koubou("explain", "lost").stdout


def test_explain_names_the_rule_and_when_it_changes(shop: Workshop) -> None:
    assert "2100-01-01" in shop.koubou("explain", "later").stdout


def test_wait_returns_the_verdict(shop: Workshop) -> None:
    assert shop.koubou("wait", "done").returncode == 0
    assert shop.koubou("wait", "lost").returncode == 1
    assert shop.koubou("wait", "done", "lost").returncode == 1


def test_submit_prints_the_id_and_waits_when_asked(shop: Workshop) -> None:
    done = shop.koubou("submit", "--prompt", "What is tea?")
    assert done.returncode == 0, done.stderr
    assert shop.output(done.stdout.strip())["answer"]

    waited = shop.koubou("submit", "--wait", "--prompt", "And coffee?")
    assert waited.returncode == 0, waited.stderr
    assert shop.koubou("submit", "-", stdin="id: from-stdin\nprompt: Hello\n").stdout.strip() == "from-stdin"
    assert shop.koubou("wait", "from-stdin").returncode == 0


def test_submit_takes_files_wherever_they_lie(shop: Workshop) -> None:
    files = []
    for name in ("one", "two"):
        file = shop.folder / f"{name}.yaml"
        file.write_text(f"id: file-{name}\nprompt: Hello\n---\nid: file-{name}-b\nprompt: Hello\n")
        files.append(str(file))
    done = shop.koubou("submit", *files)
    assert done.stdout.split() == ["file-one", "file-one-b", "file-two", "file-two-b"]
    assert shop.koubou("wait", *done.stdout.split()).returncode == 0
    assert all(Path(file).exists() for file in files)


def test_submit_says_the_first_id_for_the_same_words(shop: Workshop) -> None:
    words = "id: just-once\nprompt: Hello\n"
    assert shop.koubou("submit", "-", stdin=words).stdout.strip() == "just-once"
    again = shop.koubou("submit", "-", stdin=words)
    assert (again.returncode, again.stdout.strip()) == (0, "just-once")
    other = shop.koubou("submit", "-", stdin=words + "title: other\n")
    assert other.returncode == BAD_TASK_FILE


def test_submit_wait_fails_with_the_task(shop: Workshop) -> None:
    assert shop.koubou("submit", "--wait", "-", stdin="prompt: Hello\ntier: broken\n").returncode == 1


@pytest.mark.parametrize("text", ["prompt: [", "promt: Hello\n", "prompt: Hello\ntier: nowhere\n", ""])
def test_submit_refuses_a_bad_task_file(shop: Workshop, text: str) -> None:
    refused = shop.koubou("submit", "-", stdin=text)
    assert refused.returncode == BAD_TASK_FILE
    assert refused.stderr.strip()
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "words", [("lst",), ("show",), ("list", "--statsu", "x"), ("wait",), ("submit",), ("list", "--status", "compleetd")]
)
def test_mistakes_of_usage_exit_64(shop: Workshop, words: tuple[str, ...]) -> None:
    mistaken = shop.koubou(*words)
    assert mistaken.returncode == USAGE
    assert mistaken.stderr.strip()
    assert "Traceback" not in mistaken.stderr


def test_an_unknown_task_is_named(shop: Workshop) -> None:
    for verb in ("show", "explain", "log", "cancel", "retry", "wait", "rate"):
        answer = shop.koubou(verb, "no-such-task", *(["good"] if verb == "rate" else []))
        assert answer.returncode not in {0, 1}, verb
        assert "no-such-task" in answer.stderr, verb
        assert "Traceback" not in answer.stderr, verb


def test_cancel_ends_a_waiting_task_and_retry_takes_it_up_again(shop: Workshop) -> None:
    shop.drop("halt.yaml", {"id": "halt", "prompt": "Hello", "not_before": "2100-01-01T00:00:00Z"})
    shop.wait_for_park("halt", "schedule")
    assert shop.koubou("cancel", "halt").returncode == 0
    assert shop.error("halt")["error"]["class"] == "cancelled"
    assert shop.show("halt")["status"] == "cancelled"

    assert shop.koubou("retry", "lost").returncode == 0
    history = shop.wait_until(
        lambda: [line for line in shop.show("lost")["history"] if line["event"] == "task.failed"][1:], "the second end"
    )
    assert len(history) == 1
    assert shop.error("lost")["status"] == "failed"


def test_a_rating_is_shown_and_the_last_word_counts(shop: Workshop) -> None:
    assert shop.koubou("rate", "dear", "bad").stdout == "dear is rated bad\n"
    (result,) = shop.ask("rate", "dear", "good")
    assert result["ok"]
    assert shop.show("dear")["rated"] == "good"
    assert {task["id"]: task["rated"] for task in shop.ask("list")}["dear"] == "good"
    assert "completed, good" in shop.koubou("list").stdout
    assert [line["event"] for line in shop.show("dear")["history"]].count("task.rated") == 2
    refused = shop.koubou("rate", "later", "good")
    assert refused.returncode == 1
    assert "completed" in refused.stderr


def test_a_waiting_task_is_made_more_urgent_and_explain_says_so(shop: Workshop) -> None:
    shop.drop("rush.yaml", {"id": "rush", "prompt": "Hello", "not_before": "2100-01-01T00:00:00Z"})
    shop.wait_for_park("rush", "schedule")
    assert shop.koubou("priority", "rush", "urgent").stdout == "rush has priority urgent\n"
    assert shop.ask("explain", "rush")["priority"]["own"] == 9
    assert shop.koubou("priority", "rush", "3").returncode == 0
    assert shop.show("rush")["priority"] == 3
    refused = shop.koubou("priority", "rush", "pressing")
    assert refused.returncode not in (0, 1)
    assert "urgent, high" in refused.stderr
    assert shop.koubou("priority", "done", "9").returncode == 1


def test_log_and_follow_show_the_answer(shop: Workshop) -> None:
    answer = shop.output("done")["answer"]
    assert answer[:20] in shop.koubou("log", "done").stdout
    followed = shop.koubou("follow", "done")
    assert followed.returncode == 0
    assert answer[:20] in followed.stdout


def test_follow_shows_an_answer_as_it_grows(shop: Workshop) -> None:
    shop.provider.behave(model="house-model", latency_ms=200, stream_ms=600, answer="one two three four five six")
    try:
        shop.drop("grows.yaml", {"id": "grows", "prompt": "Count."})
        shop.wait_until(lambda: shop.koubou("show", "grows").returncode == 0, "the task to be known")
        followed = shop.koubou("follow", "grows", "--json")
    finally:
        shop.provider.behave(model="house-model", latency_ms=0, stream_ms=0, answer=None)
    lines = [json.loads(line) for line in followed.stdout.splitlines()]
    assert lines
    assert "six" in followed.stdout
    assert shop.output("grows")["answer"] == "one two three four five six"


def test_schema_is_a_schema_that_knows_good_from_bad(shop: Workshop) -> None:
    import jsonschema

    printed = shop.koubou("schema", config=False)
    assert printed.returncode == 0
    schema = json.loads(printed.stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    checker = validator(schema)
    assert checker.is_valid({"prompt": "Hello", "priority": "high"})
    assert checker.is_valid({"prompt": "Hello", "priority": 7, "depends_on": ["a"]})
    assert not checker.is_valid({"prompt": "Hello", "colour": "red"})
    assert not checker.is_valid({"prompt": "Hello", "retries": "many"})


def test_board_backup_is_a_whole_board(shop: Workshop) -> None:
    import sqlite3
    from contextlib import closing

    copy = shop.folder / "copy.db"
    assert shop.koubou("board", "backup", str(copy)).returncode == 0
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as board:
        assert board.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert board.execute("SELECT status FROM task_master WHERE task_id = 'done'").fetchone() == ("completed",)


def test_config_may_stand_before_or_after_the_verb(shop: Workshop) -> None:
    for words in (("--config", str(shop.config), "status"), ("status", "--config", str(shop.config))):
        assert shop.koubou(*words, "--json", config=False).returncode == 0


def test_bad_settings_are_told_all_at_once_with_78(open_workshop: OpenWorkshop) -> None:
    workshop = open_workshop()
    workshop.write_settings(
        "home: /nowhere\nteirs: {}\nbudget:\n  monthly: {usd: plenty}\nlog: {format: jsn}\nwindow: [1]\n"
    )
    for verb in ("check", "serve"):
        answer = workshop.koubou(verb)
        told = answer.stdout + answer.stderr
        assert answer.returncode == BAD_SETTINGS, verb
        for word in ("teirs", "tiers", "monthly.usd", "log.format", "window", "koubou.yaml:2"):
            assert word in told, (verb, word)
        assert "Traceback" not in told


def test_settings_that_are_not_there_are_told_with_78(open_workshop: OpenWorkshop) -> None:
    workshop = open_workshop()
    workshop.config.unlink()
    assert workshop.koubou("check").returncode == BAD_SETTINGS


def test_what_needs_a_master_exits_69_without_one(open_workshop: OpenWorkshop) -> None:
    workshop = open_workshop().start()
    workshop.drop("done.yaml", {"id": "done", "prompt": "Hello"})
    workshop.output("done")
    assert workshop.stop() == 0
    for words in (("cancel", "done"), ("retry", "done"), ("budget", "resume", "--reason", "x")):
        assert workshop.koubou(*words).returncode == NO_MASTER, words
    # Reading needs none.
    assert workshop.show("done")["status"] == "completed"
    assert workshop.koubou("list").returncode == 0
    assert workshop.koubou("status").returncode in {0, NO_MASTER}
