"""The folders and their modes, on a file system that exists only in memory."""

from __future__ import annotations

import grp
import os
import stat

import pytest
from pyfakefs.fake_filesystem import FakeFilesystem

from koubou.folders.layout import Layout

LAYOUT = Layout(home="/var/koubou")


def modes(*paths: str) -> list[int]:
    return [stat.S_IMODE(os.stat(path).st_mode) for path in paths]


@pytest.fixture
def no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> grp.struct_group:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", unknown)


def test_without_the_group_the_drop_folder_is_private(fs: FakeFilesystem, no_group: None) -> None:
    LAYOUT.ensure()
    assert modes(LAYOUT.home, LAYOUT.tasks, LAYOUT.run, LAYOUT.board, LAYOUT.secrets) == [
        0o755,
        0o700,
        0o700,
        0o750,
        0o700,
    ]


def test_the_shelves_can_be_passed_but_not_listed(fs: FakeFilesystem, no_group: None) -> None:
    LAYOUT.ensure()
    assert modes(LAYOUT.in_progress, LAYOUT.completed, LAYOUT.failed, LAYOUT.rejected) == [0o711] * 4


def test_the_umask_has_no_say(fs: FakeFilesystem, no_group: None) -> None:
    before = os.umask(0o077)
    try:
        LAYOUT.ensure()
    finally:
        os.umask(before)
    assert modes(LAYOUT.home, LAYOUT.completed) == [0o755, 0o711]


def test_folders_that_exist_keep_their_modes(fs: FakeFilesystem, no_group: None) -> None:
    os.makedirs(LAYOUT.completed)
    os.chmod(LAYOUT.tasks, 0o777)
    os.chmod(LAYOUT.completed, 0o500)
    LAYOUT.ensure()
    assert modes(LAYOUT.tasks, LAYOUT.completed) == [0o777, 0o500]


def test_removed_drop_folders_are_made_again(fs: FakeFilesystem, no_group: None) -> None:
    LAYOUT.ensure()
    fs.remove_object(LAYOUT.tasks)
    LAYOUT.ensure_tasks()
    assert sorted(os.listdir(LAYOUT.tasks)) == ["completed", "failed", "in_progress", "rejected"]


def test_a_file_in_the_way_is_said(fs: FakeFilesystem, no_group: None) -> None:
    fs.create_file(LAYOUT.tasks)
    with pytest.raises(OSError):
        LAYOUT.ensure()


@pytest.mark.parametrize("task", ["", ".", "..", "a/b", "../x", "-a", "a" * 101, "a\n", "工"])
def test_an_id_that_is_no_name_gets_no_folder(task: str) -> None:
    with pytest.raises(ValueError, match="names its folder"):
        LAYOUT.task_folder("completed", task)
