"""At each durable step of a worker and the shelving somebody dies, once, as by kill -9: and every promise holds."""

from __future__ import annotations

import pytest
from crashes import die_at
from simulator import Simulator
from workshop import OpenWorkshop

from koubou.crash import POINTS


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith(("worker.", "record.", "shelving."))])
def test_whoever_dies_on_the_way_out_nothing_is_lost_or_done_twice(
    open_workshop: OpenWorkshop, provider: Simulator, point: str
) -> None:
    die_at(point, open_workshop, provider)
