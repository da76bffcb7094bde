"""The drop folder of a machine that has the submitters' group, on a real file system."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from intake import an_open_folder

from koubou.folders.layout import GROUP, Layout
from koubou.folders.submit import drop


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    """Made while our own group goes by the submitters' name."""
    monkeypatch.setattr(grp, "getgrnam", lambda name: grp.struct_group((name, "x", os.getegid(), [])))
    with an_open_folder() as folder:
        layout = Layout(home=str(folder / "home"))
        layout.ensure()
        yield layout


def test_a_member_may_drop_but_neither_list_nor_replace(layout: Layout) -> None:
    assert GROUP == "koubou-submit"
    assert stat.S_IMODE(os.stat(layout.tasks).st_mode) == 0o3730
    assert os.stat(layout.tasks).st_gid == os.getegid()


def test_a_member_may_pass_to_the_control_socket(layout: Layout) -> None:
    assert stat.S_IMODE(os.stat(layout.run).st_mode) == 0o710


def test_the_shelves_do_not_take_over_the_marks_of_the_drop_folder(layout: Layout) -> None:
    shelves = (layout.in_progress, layout.completed, layout.failed, layout.rejected)
    assert [stat.S_IMODE(os.stat(shelf).st_mode) for shelf in shelves] == [0o711] * 4


def test_what_a_member_drops_belongs_to_the_group(layout: Layout) -> None:
    path = drop(layout.tasks, "a.yaml", b"prompt: hello\n")
    assert os.stat(path).st_gid == os.stat(layout.tasks).st_gid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_member_drops_and_does_not_see_or_disturb(layout: Layout) -> None:
    mine = drop(layout.tasks, "mine.yaml", b"prompt: hello\n")
    child = os.fork()
    if child == 0:
        os._exit(_as_a_member(layout, mine))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert Path(layout.tasks, "theirs.yaml").exists()
    assert Path(mine).exists()


def _as_a_member(layout: Layout, other: str) -> int:
    """What went wrong, as a number; 0 is nothing."""
    os.setgroups([])
    os.setgid(os.stat(layout.tasks).st_gid)
    os.setuid(54_321)
    try:
        drop(layout.tasks, "theirs.yaml", b"prompt: hello\n")
    except OSError:
        return 1
    for number, deed in enumerate((lambda: os.listdir(layout.tasks), lambda: os.unlink(other)), start=2):
        try:
            deed()
        except PermissionError:
            continue
        return number
    return 0
