"""When what was kept goes, and when nothing of a task may."""

from __future__ import annotations

import pytest

from koubou.model.instant import DAY, HOUR, MINUTE, SECOND
from koubou.model.retention import NEVER, Retention
from koubou.model.status import Status
from koubou.rules.retention import cutoffs, look_every, older_than, why_not
from tests.builders import NOW

FOR_GOOD = Retention()


def test_what_is_kept_for_good_never_goes() -> None:
    before = cutoffs(FOR_GOOD, NOW)
    assert {before.completed, before.failed, before.confidential, before.runs, before.ids, before.rejected} == {NEVER}


def test_what_ended_longer_ago_than_it_is_kept_goes() -> None:
    before = cutoffs(Retention(completed=DAY, ids=0), NOW)
    assert before.completed == NOW - DAY
    assert before.ids == NOW
    assert before.failed == NEVER


def test_a_person_may_want_things_gone_sooner_but_never_kept_longer_than_the_settings_say() -> None:
    kept = Retention(completed=90 * DAY, failed=HOUR, ids=DAY)
    before = older_than(7 * DAY, kept, NOW)
    assert before.completed == NOW - 7 * DAY
    assert before.failed == NOW - HOUR
    assert before.confidential == before.runs == before.rejected == NOW - 7 * DAY
    assert before.ids == NOW - DAY
    assert older_than(0, FOR_GOOD, NOW).ids == NEVER


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_what_has_ended_and_is_needed_by_nobody_may_go(status: Status) -> None:
    assert why_not(status, status, needed_by=None, held=False) is None


@pytest.mark.parametrize("status", [Status.PENDING, Status.ROUTING, Status.ASSIGNED, Status.IN_PROGRESS])
def test_what_has_not_ended_stays(status: Status) -> None:
    assert why_not(status, None, needed_by=None, held=False)
    assert "being filed as completed" in str(why_not(status, Status.COMPLETED, needed_by=None, held=False))


def test_what_is_needed_or_has_money_held_stays() -> None:
    assert "needed by task other" in str(why_not(Status.COMPLETED, None, needed_by="other", held=False))
    assert "money" in str(why_not(Status.COMPLETED, None, needed_by=None, held=True))


def test_how_often_to_look_follows_the_shortest_time_within_bounds() -> None:
    assert look_every(Retention(completed=DAY, runs=10 * MINUTE), SECOND, HOUR) == MINUTE
    assert look_every(Retention(completed=SECOND), SECOND, HOUR) == SECOND
    assert look_every(Retention(completed=90 * DAY), SECOND, HOUR) == HOUR
    assert look_every(FOR_GOOD, SECOND, 10 * HOUR) == HOUR
