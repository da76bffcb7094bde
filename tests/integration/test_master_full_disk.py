"""A board that cannot be written for a while stops nothing for good: the master waits, and goes on where it was."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator

import pytest
from workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    tier = {
        "reach": "local",
        "executor": "rehearsal",
        "price": {"input": 0, "output": 0},
        "workers": {"min": 1, "max": 1},
        "concurrency": 16,
    }
    routing = {"high": "local", "medium": "local", "low": "local"}
    with Workshop(None, tiers={"local": tier}, routing=routing) as workshop:
        yield workshop.start()


def give_room(workshop: Workshop, size: int) -> None:
    """Let no file of the master grow beyond so many bytes: to SQLite that is a full disk."""
    assert workshop.process is not None
    _, most = resource.prlimit(workshop.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(workshop.process.pid, resource.RLIMIT_FSIZE, (size, most))


def drop(workshop: Workshop, start: int, count: int) -> None:
    workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": f"Number {n}"} for n in range(start, start + count)})


def test_a_master_whose_disk_is_full_waits_for_room_and_loses_nothing(workshop: Workshop) -> None:
    drop(workshop, 0, 20)
    workshop.wait_for_ends(20)
    assert workshop.process is not None
    _, most = resource.prlimit(workshop.process.pid, resource.RLIMIT_FSIZE)
    give_room(workshop, 4096)
    drop(workshop, 20, 40)
    first = workshop.wait_for_event("board.fault", within=10)
    assert first["level"] == "error"
    workshop.signal(signal.SIGHUP)  # new settings, while nothing can be written
    workshop.wait_until(lambda: len(list(workshop.events("board.fault"))) >= 3, "the fault to last", within=20)
    assert workshop.process.poll() is None
    assert len(workshop.completed) < 60
    give_room(workshop, most)
    workshop.wait_for_ends(60)
    assert workshop.completed == {f"t{n}" for n in range(60)}
    workshop.wait_until(lambda: workshop.counts() == {"completed": 60}, "the board to know")
    assert workshop.held() == {}
    assert workshop.stop() == 0


def test_a_master_whose_disk_is_full_can_still_be_stopped(workshop: Workshop) -> None:
    drop(workshop, 0, 5)
    workshop.wait_for_ends(5)
    give_room(workshop, 4096)
    drop(workshop, 5, 5)
    workshop.wait_for_event("board.fault", within=10)
    workshop.stop_twice(within=20)
    workshop.start()
    workshop.wait_for_ends(10)
    assert workshop.completed == {f"t{n}" for n in range(10)}
