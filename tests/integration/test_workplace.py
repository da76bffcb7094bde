"""Where an agent works, as the worker prepares it and looks at it afterwards."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from koubou.folders.copying import CannotCopy
from koubou.leash.holding import Leashes
from koubou.model.agent import Work
from koubou.worker.workplace import Workplace

MARK = "t/1/w@/nowhere"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "srv" / "project"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "runs" / "1"
    folder.mkdir(parents=True)
    return folder


def work_in(workspace: Path | None, **changes: Any) -> Work:
    roots = () if workspace is None else (str(workspace.parent),)
    return Work(**{"workspace": None if workspace is None else str(workspace), "roots": roots, **changes})


def worked(run: Path, work: Work, act: Callable[[], None], *, done: bool = True) -> Mapping[str, Any]:
    """What is told of the changes that `act` makes."""

    async def both() -> Mapping[str, Any]:
        place = Workplace(str(run), work, MARK, Leashes())
        await place.prepare()
        act()
        told = await place.collect(done=done)
        assert told is not None
        return told

    return asyncio.run(both())


def test_a_copy_is_worked_in_and_the_patch_is_for_the_workspace(workspace: Path, run: Path) -> None:
    told = worked(run, work_in(workspace), lambda: _write(run / "work" / "a.txt", "two\n"))
    assert told["files"] == [{"path": "a.txt", "kind": "modified"}]
    assert (workspace / "a.txt").read_text() == "one\n"
    assert not (run / "work").exists()
    subprocess.run(["git", "apply", str(run / told["patch"])], cwd=workspace, check=True)
    assert (workspace / "a.txt").read_text() == "two\n"


def test_without_a_workspace_what_was_made_comes_back_as_a_patch(run: Path) -> None:
    told = worked(run, work_in(None), lambda: _write(run / "work" / "new.txt", "new\n"))
    assert told["files"] == [{"path": "new.txt", "kind": "added"}]
    assert "+new" in (run / told["patch"]).read_text()


def test_a_run_that_goes_on_finds_what_the_one_before_it_left_and_its_patch_has_both(
    workspace: Path, run: Path
) -> None:
    worked(run, work_in(workspace), lambda: _write(run / "work" / "first.txt", "1\n"), done=False)
    second = run.parent / "2"
    second.mkdir()

    def go_on() -> None:
        assert (second / "work" / "first.txt").read_text() == "1\n"
        _write(second / "work" / "second.txt", "2\n")

    told = worked(second, work_in(workspace, resumes=str(run)), go_on)
    assert [each["path"] for each in told["files"]] == ["first.txt", "second.txt"]


def test_in_place_the_workspace_itself_changes_and_is_told_of(workspace: Path, run: Path) -> None:
    told = worked(run, work_in(workspace, isolate=False), lambda: _write(workspace / "a.txt", "three\n"))
    assert told["files"] == [{"path": "a.txt", "kind": "modified"}]
    assert (workspace / "a.txt").read_text() == "three\n"


def test_what_lies_elsewhere_is_not_worked_on(workspace: Path, run: Path) -> None:
    for isolate in (True, False):
        with pytest.raises(CannotCopy):
            worked(run, work_in(workspace, roots=("/nowhere",), isolate=isolate), lambda: None)


def test_a_baseline_that_is_gone_is_trouble_and_no_end_of_the_run(workspace: Path, run: Path) -> None:
    def spoil() -> None:
        _write(run / "work" / "a.txt", "two\n")
        shutil.rmtree(run / "baseline" / "git")
        shutil.rmtree(run / "baseline" / "before")

    told = worked(run, work_in(workspace), spoil)
    assert told["patch"] is None
    assert told["trouble"]
    assert (run / "work" / "a.txt").read_text() == "two\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text)
