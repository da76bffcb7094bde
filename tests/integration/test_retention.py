"""What has been kept long enough goes by itself, or by koubou gc and purge; nothing else does, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from rehearsing import a_rehearsal, drop
from workshop import Workshop, words_of

FOR_GOOD: dict[str, Any] = dict.fromkeys(("completed", "failed", "confidential", "runs", "ids", "rejected"))
SECRET_WORD = "hummingbird-of-the-test"


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with a_rehearsal(retention=FOR_GOOD) as workshop:
        yield workshop.start()


def told(workshop: Workshop, *words: str, code: int = 0) -> Any:
    done = workshop.koubou(*words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def checked(workshop: Workshop) -> None:
    """The board is whole, and the folders agree with it."""
    found = told(workshop, "board", "check")
    assert found["troubles"] == []


def folders(workshop: Workshop) -> set[str]:
    return {path.name for shelf in ("completed", "failed") for path in (workshop.home / "tasks" / shelf).iterdir()}


def test_what_has_been_kept_long_enough_goes_by_itself_and_its_id_stays(workshop: Workshop) -> None:
    drop(workshop, 0, 100)
    workshop.wait_for_ends(100)
    workshop.settings["retention"] = {**FOR_GOOD, "completed": "1s"}
    workshop.reload()
    workshop.wait_until(lambda: folders(workshop) == set(), "the folders to go", within=30)
    workshop.wait_until(lambda: workshop.sql("SELECT COUNT(*) FROM request") == [(0,)], "the texts to go")
    workshop.wait_until(
        lambda: sum(line["texts"] for line in workshop.events("retention.removed")) == 100, "that to be told"
    )
    assert workshop.counts() == {"completed": 100}
    drop(workshop, 0, 1)  # the same again is still known
    workshop.wait_until(
        lambda: workshop.sql("SELECT COUNT(*) FROM history WHERE event = 'task.duplicate'") == [(1,)], "the duplicate"
    )
    assert folders(workshop) == set()
    checked(workshop)
    shown = told(workshop, "show", "t1")
    assert shown["removed"]["text_at"] is not None
    assert "kept long enough" in workshop.koubou("show", "t1").stdout
    assert "kept long enough" in workshop.koubou("explain", "t1").stdout
    assert "kept long enough" in workshop.koubou("log", "t1").stderr


def test_ids_go_too_in_the_end_and_begin_anew(workshop: Workshop) -> None:
    drop(workshop, 0, 3)
    workshop.wait_for_ends(3)
    lines = workshop.sql("SELECT COUNT(*) FROM ledger")[0][0]
    workshop.settings["retention"] = {**FOR_GOOD, "completed": "1s", "ids": "1s"}
    workshop.reload()
    workshop.wait_until(lambda: workshop.sql("SELECT COUNT(*) FROM task") == [(0,)], "the ids to go", within=30)
    assert workshop.sql("SELECT COUNT(*) FROM account WHERE name GLOB 'task:*'") == [(0,)]
    assert workshop.sql("SELECT COUNT(*) FROM ledger")[0][0] >= lines
    workshop.settings["retention"] = FOR_GOOD
    workshop.reload()
    drop(workshop, 0, 1)
    workshop.wait_for_ends(1)
    assert workshop.completed == {"t0"}
    checked(workshop)


def test_gc_says_what_would_go_and_removes_it_then(workshop: Workshop) -> None:
    drop(workshop, 0, 70)
    workshop.drop("bad.yaml", "prompt: [")
    workshop.wait_for_ends(70)
    workshop.refusal("bad.yaml")
    assert told(workshop, "gc", "--dry-run")["bytes"] == 0
    assert told(workshop, "gc") == {**told(workshop, "gc", "--dry-run"), "dry_run": False}
    refused = workshop.koubou("gc", "--older", "0s")
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    planned = told(workshop, "gc", "--older", "0s", "--dry-run")
    assert (planned["texts"], planned["rejected"], planned["ids"]) == (70, 1, 0)
    assert planned["bytes"] > 70 * 4096
    assert len(folders(workshop)) == 70
    done = told(workshop, "gc", "--older", "0s", "--yes")
    assert (done["texts"], done["rejected"], done["left"]) == (70, 1, 0)
    assert folders(workshop) == set()
    assert workshop.rejected == set()
    assert list((workshop.home / "tasks/rejected").iterdir()) == []
    assert workshop.counts() == {"completed": 70}
    checked(workshop)


def test_gc_and_purge_work_without_a_master_too(workshop: Workshop) -> None:
    drop(workshop, 0, 70)
    workshop.wait_for_ends(70)
    assert workshop.stop() == 0
    purged = told(workshop, "purge", "t3", "--yes")
    assert purged == [{"id": "t3", "ok": True, "message": "purged"}]
    assert "t3" not in folders(workshop)
    done = told(workshop, "gc", "--older", "0s", "--yes")
    assert done["texts"] == 69
    assert folders(workshop) == set()
    checked(workshop)
    workshop.start()
    assert workshop.counts() == {"completed": 70}
    assert workshop.stop() == 0


def test_records_of_calls_go_before_the_answer_which_log_still_shows(workshop: Workshop) -> None:
    drop(workshop, 0, 1)
    workshop.wait_for_ends(1)
    answer = workshop.koubou("log", "t0").stdout
    workshop.settings["retention"] = {**FOR_GOOD, "runs": "1s"}
    workshop.reload()
    folder = workshop.home / "tasks/completed/t0"
    workshop.wait_until(lambda: not (folder / "runs").exists(), "the records to go", within=30)
    workshop.wait_until(lambda: told(workshop, "show", "t0")["removed"]["runs_at"], "that to be known")
    assert sorted(os.listdir(folder)) == ["output.json", "output.md", "task.yaml"]
    assert workshop.koubou("log", "t0").stdout == answer != ""
    checked(workshop)


def files_with(home: Path, word: str) -> list[str]:
    done = subprocess.run(["grep", "-rlaF", word, str(home)], capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_of_a_purged_task_no_byte_of_text_is_left_in_the_house(workshop: Workshop) -> None:
    drop(workshop, 0, 5, title=f"about the {SECRET_WORD}", system=f"Speak of the {SECRET_WORD} only. " * 500)
    drop(workshop, 5, 1)
    workshop.wait_for_ends(6)
    assert files_with(workshop.home, SECRET_WORD)
    refused = workshop.koubou("purge", "t0", "t5")
    assert refused.returncode == 1
    assert "no way back" in refused.stderr
    ids = [f"t{n}" for n in range(5)]
    results = told(workshop, "purge", *ids, "--yes")
    assert [(each["id"], each["message"]) for each in results] == [(task_id, "purged") for task_id in ids]
    assert folders(workshop) == {"t5"}
    # What the write-ahead log had is folded in and cut away within a second or two.
    workshop.wait_until(lambda: files_with(workshop.home, SECRET_WORD) == [], "the last copy to go", within=15)
    assert "purged at" in workshop.koubou("show", "t0").stdout
    assert "purged at" in workshop.koubou("explain", "t0").stdout
    assert "purged at" in workshop.koubou("log", "t0").stderr
    assert workshop.koubou("retry", "t0").returncode == 1
    assert told(workshop, "purge", "t0", "--yes")[0]["message"] == "purged"
    assert workshop.sql("SELECT COUNT(*) FROM ledger WHERE task = 't0' AND kind = 'settle'") == [(1,)]
    checked(workshop)


def test_a_task_that_has_not_ended_or_is_needed_is_not_purged(workshop: Workshop) -> None:
    drop(workshop, 0, 1)
    workshop.wait_for_ends(1)
    drop(workshop, 1, 1, depends_on=["t0", "not-yet"])
    workshop.wait_for_park("t1", "dependency")
    results = told(workshop, "purge", "t0", "t1", "--yes", code=1)
    assert [each["ok"] for each in results] == [False, False]
    assert "needed by task t1" in results[0]["message"]
    assert "has not ended" in results[1]["message"]
    assert told(workshop, "gc", "--older", "0s", "--yes")["texts"] == 0
    assert folders(workshop) == {"t0"}
    assert workshop.koubou("purge", "nobody", "--yes").returncode == 64


def hand(workshop: Workshop) -> psutil.Process | None:
    for each in workshop.notice_processes():
        try:
            words = words_of(each)
        except psutil.NoSuchProcess:
            continue
        if "koubou.hands" in words and "shelving" in words:
            return each
    return None


def test_whoever_is_killed_among_removals_nothing_is_left_half(workshop: Workshop) -> None:
    drop(workshop, 0, 300)
    workshop.wait_for_ends(300)
    workshop.settings["retention"] = {**FOR_GOOD, "completed": "1s"}
    workshop.reload()
    workshop.wait_until(lambda: len(folders(workshop)) < 290, "the first to go", within=30, every=0.002)
    shelving = workshop.wait_until(lambda: hand(workshop), "the hand")
    assert shelving is not None
    shelving.kill()
    workshop.wait_until(lambda: len(folders(workshop)) < 150, "more to go", within=30, every=0.002)
    workshop.kill()
    assert len(folders(workshop)) > 0
    workshop.start()
    workshop.wait_until(lambda: folders(workshop) == set(), "all to go", within=60)
    workshop.wait_until(lambda: workshop.sql("SELECT COUNT(*) FROM request") == [(0,)], "the texts to go")
    history = "SELECT COUNT(*) FROM history WHERE event = 'task.removed'"
    workshop.wait_until(lambda: workshop.sql(history) == [(300,)], "each to be told once")
    assert [name for name in os.listdir(workshop.home / "tasks/completed") if name.startswith(".")] == []
    checked(workshop)


def test_a_folder_that_cannot_be_removed_stays_owed_until_it_can(workshop: Workshop) -> None:
    if os.geteuid() == 0 and subprocess.run(["which", "chattr"], capture_output=True, check=False).returncode != 0:
        pytest.skip("root removes everything, and there is no chattr to forbid it")
    drop(workshop, 0, 1)
    workshop.wait_for_ends(1)
    completed = workshop.home / "tasks/completed"
    forbid, permit = (
        (["chattr", "+i", str(completed)], ["chattr", "-i", str(completed)])
        if os.geteuid() == 0
        else (["chmod", "a-w", str(completed)], ["chmod", "u+w", str(completed)])
    )
    if subprocess.run(forbid, capture_output=True, check=False).returncode != 0:
        pytest.skip("this file system forbids nothing")
    try:
        workshop.settings["retention"] = {**FOR_GOOD, "completed": "1s"}
        workshop.reload()
        fault = workshop.wait_for_event("retention.fault", within=30)
        assert fault["level"] == "error"
        assert folders(workshop) == {"t0"}
        assert workshop.koubou("retry", "t0").returncode == 1
    finally:
        subprocess.run(permit, check=True)
    workshop.signal(signal.SIGHUP)
    assert workshop.stop() == 0
    workshop.start()  # a new master does at once what is owed
    workshop.wait_until(lambda: folders(workshop) == set(), "the folder to go", within=30)
