"""A minute of bad weather, another one each time: see benchmarks/soak.py, which lets it rage for longer."""

from __future__ import annotations

import os
import sys
import time

import pytest
from simulator import Simulator
from soak import Storm, settings
from soak_audit import complaints, ended_but_alive, report, wait_for_rest
from workshop import OpenWorkshop

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", str(time.time_ns() % 100_000)))


@pytest.mark.slow
def test_whatever_happens_every_promise_holds(open_workshop: OpenWorkshop, provider: Simulator) -> None:
    """SOAK_SEED=… makes the same weather again, as far as chance makes it."""
    sys.stderr.write(f"SOAK_SEED={SEED}\n")  # pytest shows it where the test fails
    workshop = open_workshop(**settings(provider))
    storm = Storm(workshop, provider, SEED)
    began = time.monotonic()
    workshop.start()
    storm.rage(SECONDS)
    storm.calm_down()
    wait_for_rest(storm)
    assert ended_but_alive(storm) == []
    assert complaints(storm) == [], report(storm, SECONDS, began)
    check = workshop.koubou("board", "check", within=60)
    assert check.returncode == 0, check.stdout + check.stderr
