"""A file is dropped whole, at one stroke, and never over another's."""

from __future__ import annotations

import os
import queue
import stat
from pathlib import Path

import pytest
from intake import a_layout

from koubou.folders import durable
from koubou.folders.layout import Layout
from koubou.folders.submit import drop
from koubou.folders.watch import Doorbell


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def files(layout: Layout) -> list[str]:
    return sorted(entry.name for entry in os.scandir(layout.tasks) if not entry.is_dir())


def test_a_dropped_file_is_whole_and_the_group_may_read_it(layout: Layout) -> None:
    path = drop(layout.tasks, "a.yaml", b"prompt: hello\n")
    assert Path(path).read_bytes() == b"prompt: hello\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    assert files(layout) == ["a.yaml"]


def test_a_dropped_file_rings(layout: Layout) -> None:
    rings: queue.Queue[bytes | None] = queue.Queue()
    bell = Doorbell(layout.tasks, rings.put)
    bell.arm()
    try:
        drop(layout.tasks, "a.yaml", b"prompt: hello\n")
        assert rings.get(timeout=10) == b"a.yaml"
    finally:
        bell.close()


@pytest.mark.parametrize("way", ["renameat2", "link"])
def test_a_name_that_is_taken_is_said_and_nothing_is_left_behind(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "link":
        monkeypatch.setattr(durable.ctypes, "CDLL", lambda *_, **__: object())
    drop(layout.tasks, "a.yaml", b"first")
    with pytest.raises(FileExistsError):
        drop(layout.tasks, "a.yaml", b"second")
    assert files(layout) == ["a.yaml"]
    assert Path(layout.tasks, "a.yaml").read_bytes() == b"first"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_who_may_drop_but_not_list_can_drop(layout: Layout) -> None:
    os.chmod(layout.tasks, 0o300)
    try:
        drop(layout.tasks, "a.yaml", b"prompt: hello\n")
    finally:
        os.chmod(layout.tasks, 0o700)
    assert files(layout) == ["a.yaml"]
