"""A submitter reads his answer where it was filed, and others do not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from intake import an_open_folder

from koubou.folders.access import let_read
from koubou.folders.layout import Layout
from koubou.folders.shelve import file_away, open_run, reopen

ANSWER = {"output.json": b"{}"}
SUBMITTER, OTHER = 54_321, 54_322


@pytest.fixture
def layout() -> Iterator[Layout]:
    with an_open_folder() as folder:
        layout = Layout(home=str(folder / "home"))
        layout.ensure()
        os.chmod(layout.tasks, 0o711)
        if not let_read(str(folder / "home" / "secrets"), SUBMITTER):
            pytest.skip("this file system has no access lists")
        yield layout


def as_user(uid: int, deed: Callable[[], object]) -> bool:
    """Whether somebody may do this, tried in a process of his."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        try:
            deed()
        except PermissionError:
            os._exit(1)
        except OSError:
            os._exit(2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1)
    return code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("times", [1, 2])
def test_the_submitter_reads_his_answer_and_nobody_else_does(layout: Layout, times: int) -> None:
    for _ in range(times):
        folder = file_away(layout, "a", "prompt: x", "completed", ANSWER, reader=SUBMITTER)
    for file in (Path(folder, "output.json"), Path(folder, "task.yaml")):
        assert as_user(SUBMITTER, file.read_bytes)
        assert not as_user(OTHER, file.read_bytes)
    assert as_user(SUBMITTER, lambda: os.listdir(folder))
    assert not as_user(SUBMITTER, lambda: Path(folder, "output.json").write_bytes(b""))
    assert not as_user(OTHER, lambda: os.listdir(folder))


def test_what_nobody_was_given_stays_private(layout: Layout) -> None:
    folder = file_away(layout, "a", "prompt: x", "completed", ANSWER)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{folder}/output.json").st_mode) == 0o600


def test_we_can_still_work_in_a_folder_that_somebody_may_read(layout: Layout) -> None:
    file_away(layout, "a", "prompt: x", "failed", {"error.json": b"{}"}, reader=SUBMITTER)
    reopen(layout, "a")
    open_run(layout, "a", 2, "prompt: x")
    assert file_away(layout, "a", "prompt: x", "completed", ANSWER, reader=SUBMITTER) == f"{layout.completed}/a"
