"""When a task has ended, what its agents had for themselves goes; what was made and said stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from koubou.backends.rooms import tidy

LEFT = {"log.jsonl", "calls.jsonl", "changes.patch", "result.json"}


def a_run(runs: Path, number: int) -> Path:
    """A run as an agent leaves it whose worker was killed, with a member of a hybrid tier beside it."""
    run = runs / str(number)
    for room in (run, run / "member-coder"):
        for path in ("home/.codex/logs.sqlite", "home/.codex/sessions/1.jsonl", "work/a.py", "tmp/socket", "test/out"):
            (room / path).parent.mkdir(parents=True, exist_ok=True)
            (room / path).write_text("x")
    (run / "baseline").mkdir()
    for name in LEFT:
        (run / name).write_text("kept")
        (run / "member-coder" / name).write_text("kept")
    return run


def held(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_after_an_answer_only_records_are_left_and_work_that_no_patch_was_made_of(tmp_path: Path) -> None:
    first, second = a_run(tmp_path, 1), a_run(tmp_path, 2)
    tidy(str(tmp_path), answered=2)
    records = LEFT | {f"member-coder/{name}" for name in LEFT}
    assert held(first) == records | {"test/out"}
    assert held(second) == records | {"test/out", "work/a.py"}


def test_of_a_task_that_failed_a_session_and_its_work_stay_and_no_debris(tmp_path: Path) -> None:
    run = a_run(tmp_path, 1)
    tidy(str(tmp_path), answered=None)
    kept = {"home/.codex/sessions/1.jsonl", "work/a.py", "test/out", *LEFT}
    assert held(run) == kept | {f"member-coder/{name}" for name in kept}


@pytest.mark.parametrize("answered", [1, None])
def test_a_link_that_an_agent_made_is_not_followed(tmp_path: Path, answered: int | None) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").write_text("kept")
    run = tmp_path / "runs/1"
    run.mkdir(parents=True)
    (run / "home").symlink_to(tmp_path / "elsewhere")
    tidy(str(tmp_path / "runs"), answered=answered)
    assert (tmp_path / "elsewhere/kept").exists()


def test_a_task_that_never_ran_has_nothing_to_tidy(tmp_path: Path) -> None:
    tidy(str(tmp_path / "runs"), answered=None)
