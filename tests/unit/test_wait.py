"""About how long a task waits for its place."""

from __future__ import annotations

import pytest

from koubou.model.instant import SECOND
from koubou.rules.wait import estimated_wait

RUNS = [8 * SECOND, 10 * SECOND, 90 * SECOND]


@pytest.mark.parametrize(
    ("ahead", "places", "running", "seconds"),
    [(0, 4, 3, 0), (0, 4, 4, 2.5), (7, 4, 4, 20), (3, 4, 0, 0), (4, 4, 0, 2.5)],
)
def test_each_end_of_a_run_brings_the_queue_on_by_one(ahead: int, places: int, running: int, seconds: float) -> None:
    wait = estimated_wait(ahead=ahead, places=places, running=running, durations=RUNS, per_minute=None)
    assert wait == seconds * SECOND


def test_a_rate_may_be_what_is_waited_for() -> None:
    wait = estimated_wait(ahead=30, places=99, running=0, durations=RUNS, per_minute=10)
    assert wait == 180 * SECOND


def test_nothing_is_said_of_a_tier_that_never_answered_or_has_no_places() -> None:
    assert estimated_wait(ahead=1, places=4, running=0, durations=[], per_minute=None) is None
    assert estimated_wait(ahead=1, places=0, running=0, durations=RUNS, per_minute=None) is None


def test_until_the_next_call_may_be_sent_nobody_is_next_at_once() -> None:
    wait = estimated_wait(ahead=0, places=4, running=0, durations=RUNS, per_minute=10, opens_in=7 * SECOND)
    assert wait == 7 * SECOND
    assert estimated_wait(ahead=1, places=4, running=0, durations=[], per_minute=10) == 6 * SECOND
