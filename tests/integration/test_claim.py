"""Dropped files are taken by a rename, in order, once, and only when they are ready."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from intake import LATER, a_layout, claims, put, ulids

from koubou.folders.claim import leftovers
from koubou.folders.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def age(path: bytes) -> int:
    """When the kernel last saw this file change, in milliseconds."""
    return os.stat(path).st_ctime_ns // 1_000_000


def test_an_announced_file_is_taken_at_once(layout: Layout) -> None:
    path = put(layout, "a.yaml")
    found = claims(layout, [b"a.yaml"], scan=False, now=age(path))
    assert [claim.name for claim in found.taken] == [b"a.yaml"]
    assert os.listdir(os.fsencode(layout.tasks)).count(found.taken[0].file) == 1
    assert not os.path.exists(path)


def test_a_file_that_nobody_announced_is_taken_once_it_has_settled(layout: Layout) -> None:
    path = put(layout, "a.yaml")
    assert claims(layout, now=age(path) + 1_900).taken == []
    assert len(claims(layout, now=age(path) + 2_100).taken) == 1


def test_a_file_from_the_future_says_that_the_clock_was_set_back_and_is_taken(layout: Layout) -> None:
    path = put(layout, "a.yaml")
    assert len(claims(layout, now=age(path) - 3_600_000).taken) == 1


def test_a_date_that_somebody_set_does_not_hold_a_file_up(layout: Layout) -> None:
    path = put(layout, "a.yaml")
    os.utime(path, (4e9, 4e9))
    assert len(claims(layout, now=age(path) + 2_100).taken) == 1


def test_settled_files_are_taken_in_the_order_in_which_they_were_written(layout: Layout) -> None:
    for order, name in enumerate(["c.yaml", "a.yaml", "b.yaml"]):
        os.utime(put(layout, name), (1_000 + order, 1_000 + order))
    taken = claims(layout).taken
    assert [claim.name for claim in taken] == [b"c.yaml", b"a.yaml", b"b.yaml"]
    assert [claim.ulid for claim in taken] == sorted(claim.ulid for claim in taken)


def test_announced_files_come_first_and_no_file_comes_twice(layout: Layout) -> None:
    put(layout, "a.yaml")
    put(layout, "b.yaml")
    found = claims(layout, [b"b.yaml", b"gone.yaml", b"b.yaml"])
    assert [claim.name for claim in found.taken] == [b"b.yaml", b"a.yaml"]


def test_what_is_above_the_limit_waits_and_can_be_announced_again(layout: Layout) -> None:
    for number in range(5):
        put(layout, f"{number}.yaml")
    first = claims(layout, [b"gone.yaml", b"4.yaml"], limit=3)
    assert len(first.taken) == 3
    assert first.more
    assert len(first.waiting) == 2
    second = claims(layout, first.waiting, scan=False, limit=3, new_ulid=ulids())
    assert len(second.taken) == 2
    assert not second.more


@pytest.mark.parametrize("name", [".a.yaml", "a.yaml.tmp", "a.yaml.part", "a.yaml~", ".a.yaml.swp", "a.txt"])
def test_files_that_somebody_still_writes_stay(layout: Layout, name: str) -> None:
    path = put(layout, name)
    assert claims(layout, [os.fsencode(name)]).taken == []
    assert os.path.exists(path)


def test_a_file_that_was_only_touched_is_left_until_it_settles(layout: Layout) -> None:
    put(layout, "a.yaml", "")
    assert claims(layout, [b"a.yaml"], scan=False).taken == []
    assert len(claims(layout, [b"a.yaml"], scan=True).taken) == 1


def test_claims_of_an_earlier_master_are_found_oldest_first(layout: Layout) -> None:
    for name in ("a.yaml", "b.yaml"):
        put(layout, name)
    taken = claims(layout).taken
    put(layout, ".claim-nonsense~x.yaml")
    assert list(leftovers(layout)) == list(taken)
    assert claims(layout).taken == []


def test_things_that_are_no_files_are_taken_so_that_they_can_be_refused(layout: Layout) -> None:
    os.symlink("/etc/hostname", f"{layout.tasks}/link.yaml")
    os.mkfifo(f"{layout.tasks}/pipe.yaml")
    os.mkdir(f"{layout.tasks}/folder.yaml")
    assert len(claims(layout, now=LATER).taken) == 3


def test_a_file_that_cannot_be_renamed_stays_and_is_told(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(layout, "a.yaml")
    put(layout, "b.yaml")
    rename = os.rename

    def refusing(source: bytes, target: bytes, **folders: int) -> None:
        if source == b"a.yaml":
            raise PermissionError(1, "Operation not permitted")
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", refusing)
    found = claims(layout)
    assert [(stuck.name, stuck.reason) for stuck in found.stuck] == [(b"a.yaml", "Operation not permitted")]
    assert [claim.name for claim in found.taken] == [b"b.yaml"]
    assert os.path.exists(path)


def test_a_folder_that_is_gone_holds_nothing(layout: Layout) -> None:
    os.rename(layout.tasks, layout.tasks + ".away")
    assert claims(layout).taken == ()


def test_a_batch_is_synced_once_after_its_last_rename(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(layout, f"{number}.yaml")
    waiting: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: waiting.append(sum(name[0] != "." for name in _files(layout))))
    claims(layout)
    assert waiting == [0]
    claims(layout)
    assert waiting == [0]


def _files(layout: Layout) -> list[str]:
    return [entry.name for entry in os.scandir(layout.tasks) if entry.is_file()]
