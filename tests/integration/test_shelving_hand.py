"""What the shelving hand does about an answer that only the detector finds fault with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from intake import a_layout

from koubou.folders.layout import Layout
from koubou.folders.shelve import open_run
from koubou.hands.shelving import shelve
from koubou.model.account import TaskUsage
from koubou.model.call import Usage
from koubou.model.decision import Hit
from koubou.model.policy import Flag
from koubou.model.request_json import request_to_json
from koubou.model.task import TaskRequest
from koubou.rules import paper
from koubou.wire.hand_messages import Shelve
from koubou.wire.record import Record, encode_record
from tests.builders import a_result, a_task

TOKEN = Flag(category="vendor_token", rule="zq", line=2)
PASSWORD = Flag(category="password", rule="password-beside-name", line=1)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return a_layout(tmp_path)


def detect(texts: Sequence[tuple[str, str]]) -> list[Hit]:
    """Finds zq-1."""
    return [
        Hit(rule="zq", category="vendor_token", where=where, line=2, start=0, end=4, sample="zq")
        for where, text in texts
        if "zq-1" in text
    ]


def asked(layout: Layout, answer: str, flags: tuple[Flag, ...] = ()) -> Shelve:
    """An order to shelve a completed task whose run has left this answer."""
    folder = open_run(layout, "a-task", 1, "prompt: x\n", ())
    result = a_result("a-task", 1, "call-1", findings=flags)
    Path(folder, "result.json").write_bytes(encode_record(Record(result=result, answer=answer)))
    used = TaskUsage(usage=Usage(input_tokens=1, output_tokens=1), calls=1, cost=0)
    return Shelve(
        home=layout.home,
        task=1,
        task_id="a-task",
        run=1,
        owner=0,
        completed=True,
        source="prompt: x\n",
        request=request_to_json(TaskRequest(prompt="x")),
        paper=paper.output(a_task(), None, used),
    )


def output(layout: Layout) -> dict[str, object]:
    return dict(json.loads(Path(layout.task_folder("completed", "a-task"), "output.json").read_text()))


def test_what_the_detector_sees_is_flagged_and_told(layout: Layout) -> None:
    assert shelve(asked(layout, "Here:\nzq-1"), detect) == (TOKEN,)
    found = output(layout)
    assert (found["sensitivity"], found["flags"]) == (
        "confidential",
        [{"category": "vendor_token", "rule": "zq", "line": 2}],
    )


def test_what_was_told_and_lost_is_told_again(layout: Layout) -> None:
    order = asked(layout, "Here:\nzq-1")
    shelve(order, detect)
    assert shelve(order, detect) == (TOKEN,)


def test_what_the_worker_saw_stands_in_the_paper_and_is_not_told_twice(layout: Layout) -> None:
    order = asked(layout, "zq-1", (PASSWORD,))
    assert shelve(order, detect) == ()
    assert output(layout)["flags"] == [{"category": "password", "rule": "password-beside-name", "line": 1}]


def test_a_harmless_answer_has_no_flags(layout: Layout) -> None:
    assert shelve(asked(layout, "Four."), detect) == ()
    assert (output(layout)["sensitivity"], output(layout)["flags"]) == ("public", [])


def test_an_answer_that_could_not_be_looked_at_is_filed_and_stays_in_the_house(layout: Layout) -> None:
    def broken(_texts: Sequence[tuple[str, str]]) -> list[Hit]:
        raise RuntimeError("no")

    assert [flag.category for flag in shelve(asked(layout, "Four."), broken)] == ["unexamined"]
    assert output(layout)["sensitivity"] == "confidential"
