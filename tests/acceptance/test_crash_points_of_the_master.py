"""At each durable step of the master somebody dies, once, as by kill -9: and every promise holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crashes import a_mortal_workshop, arm, die_at, drop, the_promises_hold, unknown
from workshop import Workshop

from koubou.crash import POINTS


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with a_mortal_workshop() as workshop:
        yield workshop


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith(("turn.", "deeds."))])
def test_a_master_that_dies_loses_nothing_and_does_nothing_twice(workshop: Workshop, point: str) -> None:
    die_at(point, workshop)


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("recovery.")])
def test_a_recovery_that_dies_is_done_by_the_next_master(workshop: Workshop, point: str) -> None:
    before = unknown(workshop)
    workshop.provider.behave(latency_ms=200)
    tasks = drop(workshop, point)
    workshop.wait_until(lambda: workshop.provider.bill()["in_flight"], "calls under way")
    workshop.kill()
    arm(workshop, point)
    workshop.launch()
    assert workshop.exit_code() == -9
    workshop.start()
    # Calls were on the wire when the first master died: their workers finished them, and their records count.
    the_promises_hold(workshop, tasks, point, before)
