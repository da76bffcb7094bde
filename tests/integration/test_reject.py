"""Refused files lie in `rejected/` beside their reason, whatever they are called and however often it is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from intake import a_layout, claimed, claims, put, the_claim, ulids

from koubou.errors import Problem, TaskFileError
from koubou.folders import reject as door
from koubou.folders.claim import Claim, leftovers
from koubou.folders.layout import Layout
from koubou.folders.reject import discard, refused_since, reject

ERROR = {"class": "yaml", "message": "is not right", "line": 3, "column": 1, "key": None, "nearest": None}


class Crash(Exception):
    """The power went."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


@pytest.fixture
def new_ulid() -> Callable[[], str]:
    return ulids()


def lying(layout: Layout) -> set[str]:
    return set(os.listdir(layout.rejected))


def reason_of(layout: Layout, name: str) -> dict[str, Any]:
    with open(f"{layout.rejected}/{name}.error.json") as file:
        found = json.load(file)
    assert isinstance(found, dict)
    return found


def drop(layout: Layout, name: str, content: str, new_ulid: Callable[[], str]) -> Claim:
    put(layout, name, content)
    (claim,) = claims(layout, new_ulid=new_ulid).taken
    return claim


def test_a_refused_file_lies_beside_its_reason(layout: Layout) -> None:
    claim = claimed(layout, "a.yaml", "prompt: [")
    assert reject(layout, claim, ERROR) == f"{layout.rejected}/a.yaml"
    assert lying(layout) == {"a.yaml", "a.yaml.error.json"}
    found = reason_of(layout, "a.yaml")
    assert (found["file"], found["error"]) == ("a.yaml", ERROR)
    assert Path(layout.rejected, "a.yaml").read_text() == "prompt: ["
    assert list(leftovers(layout)) == []


def test_the_reason_of_an_error_is_its_kind_and_its_problem() -> None:
    problem = Problem(message="unknown key", file="a.yaml", line=2, column=1, key="priorty", nearest="priority")
    assert TaskFileError("schema", problem).as_json() == {
        "class": "schema",
        "message": "unknown key",
        "line": 2,
        "column": 1,
        "key": "priorty",
        "nearest": "priority",
    }


def test_a_reason_is_written_as_it_reads(layout: Layout) -> None:
    claim = claimed(layout, "日報.yaml", "prompt: [")
    reject(layout, claim, {**ERROR, "message": "読めません"})
    written = Path(layout.rejected, "日報.yaml.error.json").read_bytes()
    assert "読めません".encode() in written
    assert '"file": "日報.yaml"'.encode() in written


def test_a_reason_that_utf_8_cannot_say_is_said_in_ascii(layout: Layout) -> None:
    reject(layout, claimed(layout, "a.yaml", "prompt: ["), {**ERROR, "message": "\udcff 読めません"})
    assert reason_of(layout, "a.yaml")["error"]["message"] == "\udcff 読めません"


def test_refused_files_are_counted_by_when_they_were(layout: Layout) -> None:
    for name in ("a.yaml", "b.yaml"):
        reject(layout, claimed(layout, name, "prompt: ["), ERROR)
    os.utime(f"{layout.rejected}/a.yaml.error.json", (1_000, 1_000))
    assert (refused_since(layout, 0), refused_since(layout, 2_000)) == (2, 1)


def test_refusing_twice_does_nothing_twice(layout: Layout) -> None:
    claim = claimed(layout, "a.yaml")
    first = reject(layout, claim, ERROR)
    before = Path(first).stat()
    assert reject(layout, claim, ERROR) == first
    assert Path(first).stat() == before
    assert lying(layout) == {"a.yaml", "a.yaml.error.json"}


@pytest.mark.parametrize("step", ["write_synced", "rename_new", "sync_folder"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_at_any_step_is_made_good_by_doing_it_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, step: str, moment: str
) -> None:
    claim = claimed(layout, "a.yaml")
    real = getattr(door, step)

    def crashing(*arguments: Any) -> None:
        if moment == "after":
            real(*arguments)
        raise Crash

    monkeypatch.setattr(door, step, crashing)
    with pytest.raises(Crash):
        reject(layout, claim, ERROR)
    monkeypatch.undo()
    assert reject(layout, claim, ERROR) == f"{layout.rejected}/a.yaml"
    assert lying(layout) == {"a.yaml", "a.yaml.error.json"}
    assert list(leftovers(layout)) == []


def test_a_name_that_is_taken_gets_the_ulid(layout: Layout, new_ulid: Callable[[], str]) -> None:
    reject(layout, drop(layout, "a.yaml", "first", new_ulid), ERROR)
    claim = drop(layout, "a.yaml", "second", new_ulid)
    marked = f"a.yaml~{claim.ulid}"
    assert reject(layout, claim, ERROR) == f"{layout.rejected}/{marked}"
    assert reject(layout, claim, ERROR) == f"{layout.rejected}/{marked}"
    assert lying(layout) == {"a.yaml", "a.yaml.error.json", marked, f"{marked}.error.json"}
    assert Path(layout.rejected, "a.yaml").read_text() == "first"
    assert Path(layout.rejected, marked).read_text() == "second"


def test_a_reason_that_was_left_behind_is_not_overwritten(layout: Layout, new_ulid: Callable[[], str]) -> None:
    reject(layout, drop(layout, "a.yaml", "first", new_ulid), ERROR)
    os.unlink(f"{layout.rejected}/a.yaml")
    claim = drop(layout, "a.yaml", "second", new_ulid)
    assert reject(layout, claim, ERROR).endswith(f"a.yaml~{claim.ulid}")
    assert reason_of(layout, "a.yaml")["claim"] != claim.ulid


def test_a_task_file_that_is_named_like_a_reason_does_not_become_one(
    layout: Layout, new_ulid: Callable[[], str]
) -> None:
    forged = drop(layout, "a.yaml.error.json", '{"error": "none"}', new_ulid)
    reject(layout, forged, ERROR)
    reject(layout, drop(layout, "a.yaml", "prompt: [", new_ulid), ERROR)
    assert reason_of(layout, "a.yaml")["error"] == ERROR
    assert f"a.yaml.error.json~{forged.ulid}" in lying(layout)


def test_files_of_one_name_refused_at_the_same_time_both_stay(layout: Layout, new_ulid: Callable[[], str]) -> None:
    dropped = [drop(layout, "a.yaml", str(number), new_ulid) for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(lambda claim: reject(layout, claim, ERROR), dropped))
    assert [Path(place).read_text() for place in places] == [str(number) for number in range(20)]
    assert len(lying(layout)) == 40


@pytest.mark.parametrize("name", [b"line\nbreak.yaml", b"caf\xe9.yaml", b"n" * 250 + b".yaml"])
def test_strange_names_are_kept_and_shown_safely(layout: Layout, name: bytes) -> None:
    claim = claimed(layout, name)
    reject(layout, claim, ERROR)
    lies = os.fsencode(layout.rejected) + b"/" + claim.name
    assert os.path.exists(lies)
    with open(lies + b".error.json") as file:
        assert json.load(file)["file"].isprintable()


def test_things_that_are_no_files_are_moved_too(layout: Layout, new_ulid: Callable[[], str]) -> None:
    os.symlink("/nowhere", f"{layout.tasks}/link.yaml")
    os.mkfifo(f"{layout.tasks}/pipe.yaml")
    os.makedirs(f"{layout.tasks}/folder.yaml/inside")
    for claim in claims(layout, new_ulid=new_ulid).taken:
        reject(layout, claim, ERROR)
        reject(layout, claim, ERROR)
    assert {name for name in lying(layout) if not name.endswith(".error.json")} == {
        "link.yaml",
        "pipe.yaml",
        "folder.yaml",
    }
    assert os.readlink(f"{layout.rejected}/link.yaml") == "/nowhere"


def test_what_cannot_be_moved_is_said_and_its_reason_is_written(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkdir(f"{layout.tasks}/folder.yaml")
    claim = the_claim(layout)

    def refusing(old: bytes, new: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(door, "rename_new", refusing)
    with pytest.raises(PermissionError):
        reject(layout, claim, ERROR)
    assert lying(layout) == {"folder.yaml.error.json"}


def test_a_file_that_was_taken_in_is_removed_once(layout: Layout) -> None:
    claim = claimed(layout, "a.yaml")
    discard(layout, claim)
    discard(layout, claim)
    assert list(leftovers(layout)) == []


def test_a_file_whose_reason_is_gone_is_not_overwritten(layout: Layout, new_ulid: Callable[[], str]) -> None:
    reject(layout, drop(layout, "a.yaml", "first", new_ulid), ERROR)
    os.unlink(f"{layout.rejected}/a.yaml.error.json")
    claim = drop(layout, "a.yaml", "second", new_ulid)
    assert reject(layout, claim, ERROR).endswith(f"a.yaml~{claim.ulid}")
    assert Path(layout.rejected, "a.yaml").read_text() == "first"
