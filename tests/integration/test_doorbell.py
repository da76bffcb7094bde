"""The doorbell, with the kernel's own events."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from intake import a_layout, claims, put
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent

from koubou.folders.layout import Layout
from koubou.folders.watch import Doorbell

SOON = 10.0
Rings = queue.Queue[bytes | None]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


@pytest.fixture
def rings() -> Rings:
    return queue.Queue()


@pytest.fixture
def bell(layout: Layout, rings: Rings) -> Iterator[Doorbell]:
    bell = Doorbell(layout.tasks, rings.put)
    assert bell.arm()
    yield bell
    bell.close()


def drop(layout: Layout, name: str) -> None:
    os.rename(put(layout, f".{name}.tmp"), os.path.join(layout.tasks, name))


def test_a_file_that_is_moved_in_rings(layout: Layout, bell: Doorbell, rings: Rings) -> None:
    drop(layout, "a.yaml")
    assert rings.get(timeout=SOON) == b"a.yaml"


def test_a_file_that_is_written_in_place_rings_when_it_is_closed(layout: Layout, bell: Doorbell, rings: Rings) -> None:
    with open(f"{layout.tasks}/a.yaml", "w") as file:
        file.write("prompt: hello\n")
        file.flush()
        drop(layout, "b.yaml")
        assert rings.get(timeout=SOON) == b"b.yaml"
    assert rings.get(timeout=SOON) == b"a.yaml"


def test_hidden_and_unfinished_files_and_our_own_claims_do_not_ring(
    layout: Layout, bell: Doorbell, rings: Rings
) -> None:
    put(layout, "a.txt")
    put(layout, "a.yaml~")
    drop(layout, "first.yaml")
    assert rings.get(timeout=SOON) == b"first.yaml"
    assert len(claims(layout).taken) == 1
    drop(layout, "second.yaml")
    assert rings.get(timeout=SOON) == b"second.yaml"


def test_an_armed_bell_is_not_armed_twice(bell: Doorbell) -> None:
    assert not bell.arm()


@pytest.mark.parametrize("how", ["removed", "moved away"])
def test_a_folder_that_is_made_again_is_watched_again(layout: Layout, bell: Doorbell, rings: Rings, how: str) -> None:
    if how == "removed":
        for shelf in os.listdir(layout.tasks):
            os.rmdir(f"{layout.tasks}/{shelf}")
        os.rmdir(layout.tasks)
    else:
        os.rename(layout.tasks, layout.tasks + ".away")
    assert rings.get(timeout=SOON) is None
    with pytest.raises(FileNotFoundError):
        bell.arm()
    layout.ensure_tasks()
    assert bell.arm()
    drop(layout, "a.yaml")
    while (name := rings.get(timeout=SOON)) is None:
        continue
    assert name == b"a.yaml"


def test_lost_events_ring_for_a_look(bell: Doorbell, rings: Rings) -> None:
    """As the kernel says it: a queue of 16,384 events is too long to overflow in every test run."""
    assert bell._inotify is not None
    bell._inotify.handle_event(InotifyEvent(-1, InotifyConstants.IN_Q_OVERFLOW, 0, b""))
    assert rings.get(timeout=SOON) is None


def test_a_dead_thread_is_replaced(layout: Layout, bell: Doorbell, rings: Rings) -> None:
    assert bell._inotify is not None
    bell._inotify.stop()
    bell._inotify.join()
    assert bell.arm()
    drop(layout, "a.yaml")
    while (name := rings.get(timeout=SOON)) is None:
        continue
    assert name == b"a.yaml"


def test_a_listener_that_has_left_does_not_end_the_bell(layout: Layout) -> None:
    rings: Rings = queue.Queue()

    def ring(name: bytes | None) -> None:
        rings.put(name)
        raise RuntimeError("Event loop is closed")

    bell = Doorbell(layout.tasks, ring)
    bell.arm()
    try:
        for name in ("a.yaml", "b.yaml"):
            drop(layout, name)
            assert rings.get(timeout=SOON) == name.encode()
    finally:
        bell.close()


def test_a_closed_bell_is_silent(layout: Layout, rings: Rings) -> None:
    bell = Doorbell(layout.tasks, rings.put)
    bell.arm()
    bell.close()
    drop(layout, "a.yaml")
    assert rings.empty()


def test_a_burst_rings_for_every_file(layout: Layout, bell: Doorbell, rings: Rings) -> None:
    names = {f"{number}.yaml" for number in range(500)}
    for name in names:
        drop(layout, name)
    assert {rings.get(timeout=SOON) for _ in names} == {name.encode() for name in names}
