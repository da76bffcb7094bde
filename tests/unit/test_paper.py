"""What stands in a task's folder at its end: names that other programs rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from koubou.model.account import TaskUsage
from koubou.model.call import Usage
from koubou.model.money import USD
from koubou.model.task import Sensitivity
from koubou.rules import paper
from tests.builders import NOW, a_result, a_task, a_tier

USED = TaskUsage(
    calls=2,
    usage=Usage(input_tokens=10, output_tokens=20, cached_input_tokens=3, cache_write_tokens=4, reasoning_tokens=5),
    cost=USD // 4,
)
COMMON = (
    "task status type tier sensitivity difficulty route usage cost_nusd cost_usd attempts created_at started_at "
    "finished_at"
)
TOKENS = "input_tokens cached_input_tokens cache_write_tokens output_tokens reasoning_tokens calls"


def completed(answer: str = "Four.", expect: tuple[str, ...] = (), title: str = "", **result: Any) -> dict[str, Any]:
    task = a_task(tier="medium", title=title, attempts=2, finished_at=NOW + 1_500)
    told = a_result("a-task", 1, "call", **result)
    return paper.with_answer(paper.output(task, a_tier(), USED), expect, told, answer)


def test_output_json_has_the_names_of_the_contract() -> None:
    output = completed()
    assert set(COMMON.split()) | {"answer", "model", "executor"} <= set(output)
    assert set(TOKENS.split()) == set(output["usage"])
    assert (output["answer"], output["model"], output["executor"]) == ("Four.", "model-of-medium", "chat")
    assert (output["cost_nusd"], output["cost_usd"], output["usage"]["calls"]) == (USD // 4, 0.25, 2)
    assert (output["created_at"], output["started_at"], output["finished_at"]) == (
        "2027-01-15T08:00:00.000Z",
        None,
        "2027-01-15T08:00:01.500Z",
    )
    assert output["sensitivity"] == Sensitivity.PUBLIC


def test_the_model_is_the_one_that_says_it_answered() -> None:
    assert completed(model="model-2027")["model"] == "model-2027"


def test_an_answer_without_its_tier_is_still_told() -> None:
    output = paper.output(a_task(tier="gone"), None, USED)
    assert (output["model"], output["executor"], output["tier"]) == (None, None, "gone")


@pytest.mark.parametrize(
    ("answer", "expect", "finish", "complete", "missing"),
    [
        ("Reason: FOUR", ("reason", "four"), "stop", True, []),
        ("Reason: four", ("cause", "four"), "stop", False, ["cause"]),
        ("Reason", (), "length", False, []),
        ("Reason", (), None, True, []),
    ],
)
def test_an_answer_is_complete_when_it_has_all_its_parts_and_was_not_cut(
    answer: str, expect: tuple[str, ...], finish: str | None, complete: bool, missing: list[str]
) -> None:
    lacking = tuple(f"expect[{expect.index(part)}]" for part in missing)
    output = completed(answer, expect, finish_reason=finish, missing=lacking)
    assert (output["complete"], output["missing"]) == (complete, missing)
    assert bool(paper.incompleteness(output)) is not complete
    assert (paper.incompleteness(output) in paper.markdown(output)) or complete


def test_output_md_is_for_people() -> None:
    text = paper.markdown(completed("Four.\n\n", title="Two\nand two"))
    assert text == "# Two and two\n\nFour.\n\n---\n*a-task · model-of-medium · $0.25*\n"
    assert paper.markdown(completed()).startswith("Four.")


def test_error_json_has_the_names_of_the_contract() -> None:
    told = {"class": "budget", "code": "", "message": "too dear", "remedy": "raise it", "retryable": False}
    error = paper.error(a_task(), "failed", told, USED)
    assert set(COMMON.split()) | {"error"} <= set(error)
    assert (error["status"], error["error"]) == ("failed", told)


def test_papers_are_readable_json_whatever_stands_in_them() -> None:
    written = paper.as_bytes(completed("工房 \ud800"))
    assert "工房" in written.decode("utf-8")
    assert written.endswith(b"}\n")
    assert json.loads(written)["answer"].startswith("工房")
