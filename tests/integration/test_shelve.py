"""A task's folder from its first run to its shelf; whatever is done twice, or half, ends the same."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from intake import a_layout

from koubou.folders import shelve
from koubou.folders.layout import Layout
from koubou.folders.shelve import Shelf, file_away, open_run, read_record, reopen, sync_shelves
from koubou.model.task import Attachment

SOURCE = "prompt: 工房\n"
FILES = [Attachment(name="src/login.py", content="x = 1\n"), Attachment(name="b.txt", content="ü")]
ANSWER = {"output.json": b'{"answer": "yes"}', "output.md": b"yes\n"}
ERROR = {"error.json": b'{"error": {}}'}


class Crash(Exception):
    """The power went."""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def tree(folder: str) -> dict[str, bytes]:
    """Every file of a folder and its content."""
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def places(layout: Layout, task: str) -> list[str]:
    return [
        shelf for shelf in ("in_progress", "completed", "failed") if os.path.exists(layout.task_folder(shelf, task))
    ]


def run(layout: Layout, number: int) -> None:
    folder = open_run(layout, "a", number, SOURCE, FILES)
    Path(folder, "result.json").write_text(f'{{"run": {number}}}')


def test_the_first_run_finds_our_copies(layout: Layout) -> None:
    folder = open_run(layout, "a", 1, SOURCE, FILES)
    assert folder == f"{layout.in_progress}/a/runs/1"
    assert os.listdir(folder) == []
    assert tree(f"{layout.in_progress}/a") == {
        "task.yaml": SOURCE.encode(),
        "files/src/login.py": b"x = 1\n",
        "files/b.txt": "ü".encode(),
    }
    assert stat.S_IMODE(os.stat(f"{layout.in_progress}/a").st_mode) == 0o700


def test_opening_a_run_twice_keeps_what_is_there(layout: Layout) -> None:
    run(layout, 1)
    before = tree(f"{layout.in_progress}/a")
    open_run(layout, "a", 1, SOURCE, FILES)
    assert tree(f"{layout.in_progress}/a") == before


@pytest.mark.parametrize("broken", ["task.yaml", "files/src/login.py"])
def test_half_a_copy_is_written_again(layout: Layout, broken: str) -> None:
    open_run(layout, "a", 1, SOURCE, FILES)
    before = tree(f"{layout.in_progress}/a")
    os.truncate(f"{layout.in_progress}/a/{broken}", 2)
    open_run(layout, "a", 2, SOURCE, FILES)
    assert tree(f"{layout.in_progress}/a") == before


def test_a_missing_copy_is_written_again(layout: Layout) -> None:
    os.mkdir(f"{layout.in_progress}/a", 0o700)
    open_run(layout, "a", 1, SOURCE)
    assert tree(f"{layout.in_progress}/a") == {"task.yaml": SOURCE.encode()}


def test_a_run_opens_though_somebody_removed_the_folders(layout: Layout) -> None:
    os.rename(layout.tasks, layout.tasks + ".away")
    assert os.path.isdir(open_run(layout, "a", 1, SOURCE))


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../../evil", "./evil", ".."])
def test_no_attachment_leaves_its_folder(layout: Layout, name: str) -> None:
    open_run(layout, "a", 1, SOURCE, [Attachment(name=name, content="x")])
    found = {str(path.relative_to(layout.home)) for path in Path(layout.home).rglob("*") if path.is_file()}
    assert all(path.startswith("tasks/in_progress/a/") for path in found)
    assert len(found) == 2


@pytest.mark.parametrize(("shelf", "files"), [("completed", ANSWER), ("failed", ERROR)])
def test_an_ended_task_lies_on_its_shelf_with_everything(layout: Layout, shelf: Shelf, files: dict[str, bytes]) -> None:
    run(layout, 1)
    assert file_away(layout, "a", SOURCE, shelf, files, FILES) == layout.task_folder(shelf, "a")
    assert places(layout, "a") == [shelf]
    found = tree(layout.task_folder(shelf, "a"))
    assert found.items() >= files.items()
    assert set(found) == {"task.yaml", "files/src/login.py", "files/b.txt", "runs/1/result.json", *files}


def test_a_task_that_never_ran_is_filed_away_too(layout: Layout) -> None:
    file_away(layout, "a", SOURCE, "failed", ERROR)
    assert tree(f"{layout.failed}/a") == {"task.yaml": SOURCE.encode(), **ERROR}


def test_filing_away_twice_does_nothing_twice(layout: Layout) -> None:
    run(layout, 1)
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    before = os.stat(f"{layout.completed}/a/output.json")
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    assert os.stat(f"{layout.completed}/a/output.json") == before
    assert places(layout, "a") == ["completed"]


@pytest.mark.parametrize("moment", range(5))
def test_a_crash_at_any_step_is_made_good_by_filing_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    run(layout, 1)
    steps = 0

    def counted(real: Any) -> Any:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            if steps == moment:
                raise Crash
            steps += 1
            return real(*arguments, **named)

        return step

    for name in ("rename", "fsync"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    with pytest.raises(Crash):
        _file_durably(layout)
    monkeypatch.undo()
    if "completed" in places(layout, "a"):
        assert tree(f"{layout.completed}/a").items() >= ANSWER.items(), "a reader saw half of it"
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    assert places(layout, "a") == ["completed"]
    found = tree(f"{layout.completed}/a")
    assert set(found) == {"task.yaml", "files/src/login.py", "files/b.txt", "runs/1/result.json", *ANSWER}
    assert found.items() >= ANSWER.items()


def test_a_task_that_is_tried_again_comes_back_with_its_runs_and_without_its_old_ending(layout: Layout) -> None:
    run(layout, 1)
    file_away(layout, "a", SOURCE, "failed", ERROR)
    for _ in range(2):
        reopen(layout, "a")
        assert places(layout, "a") == ["in_progress"]
        assert "error.json" not in tree(f"{layout.in_progress}/a")
    run(layout, 2)
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    assert places(layout, "a") == ["completed"]
    found = tree(f"{layout.completed}/a")
    assert {"runs/1/result.json", "runs/2/result.json", "output.json"} <= set(found)
    assert "error.json" not in found


def test_an_ending_that_was_half_filed_leaves_nothing_in_another(layout: Layout) -> None:
    run(layout, 1)
    Path(layout.in_progress, "a", "error.json").write_bytes(b"{}")
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    assert "error.json" not in tree(f"{layout.completed}/a")


def test_reopening_what_never_was_does_nothing(layout: Layout) -> None:
    reopen(layout, "a")
    assert places(layout, "a") == []


@pytest.mark.parametrize("shelf", ["failed", "completed"])
def test_an_ending_that_was_not_reopened_is_merged(layout: Layout, shelf: Shelf) -> None:
    run(layout, 1)
    file_away(layout, "a", SOURCE, "failed", ERROR)
    run(layout, 2)
    file_away(layout, "a", SOURCE, shelf, ANSWER if shelf == "completed" else {"error.json": b"{}"})
    assert places(layout, "a") == [shelf]
    assert {"runs/1/result.json", "runs/2/result.json"} <= set(tree(layout.task_folder(shelf, "a")))


def test_another_ending_on_the_same_shelf_takes_the_place_of_the_old_one(layout: Layout) -> None:
    file_away(layout, "a", SOURCE, "failed", ERROR)
    file_away(layout, "a", SOURCE, "failed", {"error.json": b'{"other": 1}'})
    assert tree(f"{layout.failed}/a")["error.json"] == b'{"other": 1}'


def test_only_the_files_of_an_ending_are_filed(layout: Layout) -> None:
    with pytest.raises(ValueError, match="no other files"):
        file_away(layout, "a", SOURCE, "completed", {"../x": b""})


def test_a_record_is_read(layout: Layout) -> None:
    folder = open_run(layout, "a", 1, SOURCE)
    Path(folder, "result.json").write_text(json.dumps({"run": 1}))
    assert read_record(folder) == {"run": 1}


@pytest.mark.parametrize(
    "content", [b"", b'{"run": ', b"[1]", b"\xff", b"[" * 100_000, b'{"a": "' + b"x" * 2_000 + b'"}']
)
def test_half_a_record_is_none(layout: Layout, content: bytes) -> None:
    folder = open_run(layout, "a", 1, SOURCE)
    Path(folder, "result.json").write_bytes(content)
    assert read_record(folder, largest=1_000) is None


def test_what_is_no_file_is_no_record(layout: Layout) -> None:
    folder = open_run(layout, "a", 1, SOURCE)
    assert read_record(folder) is None
    assert read_record(folder + "/none") is None
    os.mkfifo(f"{folder}/result.json")
    assert read_record(folder) is None
    os.unlink(f"{folder}/result.json")
    os.symlink("/etc/hostname", f"{folder}/result.json")
    assert read_record(folder) is None
    os.unlink(f"{folder}/result.json")
    os.mkdir(f"{folder}/result.json")
    assert read_record(folder) is None


def test_the_shelves_are_synced_after_the_folder_was_moved(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = shelve.sync_folder

    def noting(path: str) -> None:
        synced.append(os.path.basename(path))
        real(path)

    monkeypatch.setattr(shelve, "sync_folder", noting)
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    assert synced == ["a"]
    sync_shelves(layout, ["completed"])
    assert synced == ["a", "completed", "in_progress"]


def _file_durably(layout: Layout) -> None:
    file_away(layout, "a", SOURCE, "completed", ANSWER)
    sync_shelves(layout, ["completed"])
