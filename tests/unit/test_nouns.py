"""The small nouns: accounts, instants, sensitivities, prices, tiers, and what intake makes of a document."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from koubou.errors import Problem, SettingsError, TaskFileError
from koubou.model.call import CallResult
from koubou.model.instant import DAY, HOUR, instant, iso, moment
from koubou.model.money import FREE, Rates
from koubou.model.task import Sensitivity, TaskRequest
from koubou.rules.examine import examine
from koubou.rules.intake import new_task
from tests.builders import NOW, a_price, a_result, a_secret, a_tier, an_account, an_error


def test_an_account_tells_what_is_left_and_what_is_over() -> None:
    assert (an_account(settled=30, held=20, ceiling=100).left, an_account(settled=30, held=20, ceiling=100).over) == (
        50,
        0,
    )
    assert (an_account(settled=90, held=20, ceiling=100).left, an_account(settled=90, held=20, ceiling=100).over) == (
        0,
        10,
    )
    assert (an_account(settled=90, ceiling=None).left, an_account(settled=90, ceiling=None).over) == (None, 0)


def test_instants_are_milliseconds_in_utc_wherever_the_clock_hangs() -> None:
    tokyo = datetime(2027, 1, 15, 17, 0, tzinfo=timezone(timedelta(hours=9)))
    assert instant(tokyo) == NOW == instant(datetime(2027, 1, 15, 8, 0, tzinfo=UTC))
    assert moment(NOW + 1).isoformat() == "2027-01-15T08:00:00.001000+00:00"
    assert iso(NOW + 1) == "2027-01-15T08:00:00.001Z"
    assert DAY == 24 * HOUR


def test_sensitivities_have_an_order() -> None:
    assert sorted(Sensitivity, key=lambda level: level.rank) == [
        Sensitivity.PUBLIC,
        Sensitivity.INTERNAL,
        Sensitivity.CONFIDENTIAL,
    ]


def test_free_is_what_costs_nothing_at_any_length() -> None:
    assert FREE.free
    nothing = Rates(input=0, output=0, cached_input=0, cache_write=0)
    assert not a_price(0, 1).free
    assert not a_price(0, 0, steps=((100, a_price(1, 0).base),)).free
    assert a_price(0, 0, steps=((100, nothing),)).free


def test_a_tier_has_the_places_of_its_whole_crew() -> None:
    assert a_tier(workers_max=3, concurrency=5).places == 15


def test_a_result_without_an_error_is_an_answer() -> None:
    result: CallResult = a_result("a", 1, "call")
    assert result.answered
    assert not a_result("a", 1, "call", error=an_error()).answered


@pytest.mark.parametrize(("asked", "document", "named"), [("own", 1, "own"), (None, 1, "C"), (None, 2, "C-2")])
def test_a_task_without_an_id_is_called_as_its_file(asked: str | None, document: int, named: str) -> None:
    request = TaskRequest(id=asked, prompt="Write a test")
    seen = examine(request)
    made = new_task(request, seen, claim="C", document=document, owner=5, digest="d", source="s")
    assert (made.id, made.claim, made.document, made.owner) == (named, "C", document, 5)
    assert json.loads(made.body)["prompt"] == "Write a test"
    assert made.findings == "[]"
    assert {"rule", "reason"} == set(json.loads(made.factors)[-1])
    assert len(a_secret().sample) <= 2


def test_a_problem_reads_as_where_what_and_the_nearest_word() -> None:
    problem = Problem(file="tasks/a.yaml", line=3, column=7, message='"teir" is not known', nearest="tier")
    assert str(problem) == 'tasks/a.yaml:3:7: "teir" is not known (did you mean "tier"?)'
    assert str(Problem(message="it is empty")) == "it is empty"
    assert str(SettingsError([problem, Problem(message="more")])).splitlines() == [str(problem), "more"]


def test_the_error_of_a_task_file_has_the_names_of_the_contract() -> None:
    error = TaskFileError("schema", Problem(file="a.yaml", line=3, key="teir", message="m", nearest="tier"))
    assert error.as_json() == {
        "class": "schema",
        "message": "m",
        "line": 3,
        "column": None,
        "key": "teir",
        "nearest": "tier",
    }
