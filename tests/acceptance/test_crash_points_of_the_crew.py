"""At each durable step of intake, worker and shelving somebody dies, once, as by kill -9: and every promise holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crashes import a_mortal_workshop, die_at
from workshop import Workshop

from koubou.crash import POINTS

CREW = ("intake.", "worker.", "record.", "shelving.")


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with a_mortal_workshop() as workshop:
        yield workshop


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith(CREW)])
def test_whoever_of_the_crew_dies_nothing_is_lost_or_done_twice(workshop: Workshop, point: str) -> None:
    die_at(point, workshop)
