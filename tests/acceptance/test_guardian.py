"""The guardian is told of each stop exactly once, whatever happens on the way, and of nothing that anybody wrote."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import TOKEN, Recorder
from simulator import Simulator
from workshop import OpenWorkshop, Workshop

CANARY = "canary-Zitronenfalter"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def guarded(open_workshop: OpenWorkshop, recorder: Recorder) -> Workshop:
    """A workshop whose guardian is told by an issue and by a webhook; not started."""
    github = {"repo": "octo/workshop", "api": recorder.address, "token": {"env": "GUARDIANS_TOKEN"}}
    workshop = open_workshop(guardian={"github": github, "webhook": recorder.webhook})
    workshop.environment |= {"GUARDIANS_TOKEN": TOKEN, "KOUBOU_GUARDIAN_USERNAME": "octocat"}
    return workshop


def stop_everything(workshop: Workshop) -> None:
    """Pull the emergency stop."""
    before = len(list(workshop.events("emergency.stop")))
    workshop.signal(signal.SIGUSR2)
    workshop.wait_until(lambda: len(list(workshop.events("emergency.stop"))) > before, "the emergency stop")


def resume(workshop: Workshop) -> None:
    """Let the work go on."""
    assert workshop.koubou("budget", "resume", "--reason", "looked at it").returncode == 0


def wait_until_told(workshop: Workshop, channel: str = "github", times: int = 1) -> None:
    """Wait until the journal says that the guardian was told by this way."""
    workshop.wait_until(
        lambda: len(list(workshop.events("guardian.told", channel=channel))) >= times,
        f"{channel} to be told",
        within=40,
    )


def everything_kept(workshop: Workshop) -> bytes:
    """Every byte below the workshop's folder, the board's files with their logs too."""
    return b"\n".join(path.read_bytes() for path in workshop.folder.rglob("*") if path.is_file())


def test_each_stop_is_told_once_and_of_nothing_that_anybody_wrote(
    guarded: Workshop, provider: Simulator, recorder: Recorder
) -> None:
    guarded.start()
    provider.behave(latency_ms=8_000)
    guarded.drop("a.yaml", {"id": "a", "title": CANARY, "prompt": f"Where is {CANARY}?", "tier": "gpt5_high"})
    guarded.wait_until(lambda: provider.bill()["calls"], "the call to begin")
    guarded.drop("b.yaml", {"id": "b", "title": CANARY, "prompt": CANARY, "not_before": "2100-01-01T00:00:00Z"})
    guarded.wait_for_park("b", "schedule")
    stop_everything(guarded)
    wait_until_told(guarded)
    wait_until_told(guarded, "webhook")

    [issue], [post] = recorder.issues, recorder.posts
    assert issue["assignees"] == ["octocat"]
    assert issue["labels"] == ["koubou", "emergency"]
    for part in ("emergency stop", "tasks at work: 1; waiting: 1", "$1000.00", "budget resume --reason"):
        assert part in issue["body"], part
    assert post["facts"]["month"]["limit_nusd"] == 1000 * 10**9
    assert post["facts"]["month"]["held_nusd"] > 0
    assert CANARY not in recorder.text()

    # The token is where it is needed and nowhere else.
    processes = guarded.notice_processes()
    assert len(processes) > 2
    for process in processes:
        assert TOKEN not in " ".join(process.cmdline())
        if guarded.process is not None and process.pid != guarded.process.pid:
            assert TOKEN not in Path(f"/proc/{process.pid}/environ").read_text(errors="replace")

    # A resume and another stop are another incident; the same stop pulled twice is not.
    resume(guarded)
    guarded.output("a")
    stop_everything(guarded)
    wait_until_told(guarded, times=2)
    wait_until_told(guarded, "webhook", times=2)
    guarded.signal(signal.SIGUSR2)
    assert guarded.stop() == 0
    told = json.dumps(guarded.lines) + "".join(guarded.stray_output)
    guarded.start()
    guarded.stop()
    assert (len(recorder.issues), len(recorder.posts)) == (2, 2)
    assert issue["body"] != recorder.issues[1]["body"]
    told += json.dumps(guarded.lines) + "".join(guarded.stray_output)
    for secret in (TOKEN, recorder.webhook):
        assert secret not in told
        kept = everything_kept(guarded).replace(guarded.config.read_bytes(), b"")
        assert secret.encode() not in kept


def test_a_master_killed_between_the_request_and_its_answer_leaves_one_issue(
    guarded: Workshop, recorder: Recorder
) -> None:
    guarded.start()
    recorder.next_posts("hung", "hung")
    stop_everything(guarded)
    recorder.wait_for(lambda: recorder.issues and recorder.posts)
    guarded.kill()
    recorder.let_go.set()
    guarded.start()
    wait_until_told(guarded)
    wait_until_told(guarded, "webhook")
    assert len(recorder.issues) == 1
    assert recorder.count("GET") == 1
    assert len({post["id"] for post in recorder.posts}) == 1
    assert next(guarded.events("guardian.told", channel="github"))["issue"] == 1


def test_it_is_tried_until_it_is_told_also_across_a_restart(guarded: Workshop, recorder: Recorder) -> None:
    recorder.answer_all(401)
    guarded.start()
    stop_everything(guarded)
    told = guarded.wait_for_event("guardian.unreachable", channel="github")
    assert "401" in told["reason"]
    assert "token" in told["remedy"]
    guarded.wait_for_event("guardian.unreachable", channel="webhook")
    assert guarded.stop() == 0
    recorder.answer_all(0)
    guarded.start()
    wait_until_told(guarded)
    wait_until_told(guarded, "webhook")
    assert (len(recorder.issues), len(recorder.posts)) == (1, 1)


def test_a_github_that_does_not_answer_holds_up_neither_work_nor_stopping(
    guarded: Workshop, recorder: Recorder
) -> None:
    guarded.start()
    recorder.next_posts("hung", "hung")
    stop_everything(guarded)
    recorder.wait_for(lambda: recorder.issues)
    resume(guarded)
    guarded.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "gpt5_high"})
    guarded.output("a")
    guarded.signal(signal.SIGTERM)
    assert guarded.exit_code(within=20) == 0


def test_new_settings_are_taken_for_what_is_owed(guarded: Workshop, recorder: Recorder) -> None:
    guarded.settings["guardian"]["github"]["api"] = "http://127.0.0.1:9"
    guarded.settings["guardian"]["github"]["token"] = {"env": "NOT_SET"}
    guarded.write_settings()
    guarded.start()
    stop_everything(guarded)
    assert "NOT_SET" in guarded.wait_for_event("guardian.unreachable", channel="github")["reason"]
    guarded.settings["guardian"]["github"] |= {"api": recorder.address, "token": {"env": "GUARDIANS_TOKEN"}}
    guarded.reload()
    wait_until_told(guarded)
    assert len(recorder.issues) == 1


def test_without_a_way_the_journal_says_who_should_know(open_workshop: OpenWorkshop) -> None:
    workshop = open_workshop()
    workshop.environment["KOUBOU_GUARDIAN_USERNAME"] = "octocat"
    assert "nobody is told" in workshop.koubou("check").stdout
    workshop.start()
    stop_everything(workshop)
    line = workshop.wait_for_event("guardian.unreachable", level="error")
    assert "@octocat" in line["reason"]


def test_check_says_who_is_told_and_what_hinders_it(guarded: Workshop, recorder: Recorder) -> None:
    said = guarded.koubou("check").stdout
    assert "an issue in octo/workshop, assigned to @octocat and by a webhook" in said
    assert "guardian" not in next((line for line in said.splitlines() if line.startswith("not yet")), "")
    assert recorder.webhook not in said
    assert guarded.ask("check")["guardian"]["channels"] == ["github", "webhook"]
    del guarded.environment["GUARDIANS_TOKEN"]
    assert "GUARDIANS_TOKEN is not set" in guarded.koubou("check").stdout
    guarded.settings["guardian"]["webhook"] = "http://hooks.example.com/secret-of-the-hook"
    guarded.write_settings()
    refused = guarded.koubou("check")
    assert refused.returncode == 78
    assert "guardian.webhook must be https" in refused.stderr
    assert "secret-of-the-hook" not in refused.stdout + refused.stderr
