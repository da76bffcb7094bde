"""What the master tells at once of how tasks stand: to each of his own, and of others' as if there were none."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest
from builders import NOW, a_new_task

from koubou.board import Board
from koubou.board.reading import Reading
from koubou.board.shapes import shown, wait_from_shape
from koubou.master.crew import Crew
from koubou.master.enquiries import IDS_AT_MOST, LINES_AT_MOST, enquire
from koubou.master.reception import Reception
from koubou.model.access import Caller, Role
from koubou.model.heard import Asked

ALICE, BOB = 54_321, 54_322


@pytest.fixture
def told(board: Board) -> Board:
    """One task of each."""
    with board.transaction():
        for name, owner in (("Hers", ALICE), ("his", BOB)):
            seq = board.tasks.insert(a_new_task(name, owner=owner), NOW)
            board.history.add(seq, "task.enqueued", "from a test", NOW)
    return board


def a_caller(uid: int, role: Role = Role.SUBMITTER) -> Caller:
    return Caller(actor="somebody", role=role, uid=uid, source="socket")


def ask(board: Board, verb: str, uid: int, *, operator: bool = False, **arguments: Any) -> Mapping[str, Any]:
    """Through the reception, which must not leave it to a turn."""

    def turn(asked: Asked) -> None:
        raise AssertionError(f"{asked.verb} waits for a turn")

    async def reload() -> list[str]:
        raise AssertionError("nothing is read anew")

    reception = Reception(board, cast(Crew, None), hear=turn, reload=reload)
    reply = asyncio.run(
        asyncio.wait_for(
            reception.ask(verb, a_caller(uid, Role.OPERATOR if operator else Role.SUBMITTER), arguments), 10
        )
    )
    loaded: Mapping[str, Any] = json.loads(json.dumps(reply))
    return loaded


def test_the_owner_is_told_what_show_prints(told: Board) -> None:
    reading = Reading(told.connection)
    task = reading.task("hers")
    assert task is not None
    printed = json.loads(json.dumps(shown(reading, task)[0]))
    assert ask(told, "show", ALICE, id="HERS") == {"ok": {"task": printed, "after": None}}
    assert printed["id"] == "Hers"
    assert [line["event"] for line in printed["history"]] == ["task.enqueued"]


def test_another_s_task_is_answered_as_one_that_is_not_there(told: Board) -> None:
    anothers, none = ask(told, "show", ALICE, id="his"), ask(told, "show", ALICE, id="none")
    assert json.dumps(anothers).replace("his", "none") == json.dumps(none)
    assert anothers["error"]["kind"] == "unknown_task"
    assert list(ask(told, "standing", ALICE, ids=["his", "none", "hers"])["ok"]["tasks"]) == ["hers"]


def test_who_says_that_he_is_another_is_not_believed(told: Board) -> None:
    claims = {"uid": BOB, "owner": BOB, "operator": True, "actor": "root"}
    assert ask(told, "show", ALICE, id="his") == enquire(told, "show", a_caller(ALICE), {"id": "his", **claims})
    assert enquire(told, "standing", a_caller(ALICE), {"ids": ["his"], **claims}) == {"ok": {"tasks": {}}}


def test_an_operator_is_told_of_all(told: Board) -> None:
    assert ask(told, "show", 1, operator=True, id="his")["ok"]["task"]["id"] == "his"
    tasks = ask(told, "standing", 1, operator=True, ids=["his", "Hers", "none"])["ok"]["tasks"]
    assert {name: task["owner"] for name, task in tasks.items()} == {"his": BOB, "hers": ALICE}


def test_standing_says_what_a_task_is_known_again_by(told: Board) -> None:
    reading = Reading(told.connection)
    digest, _ = reading.identities(["hers"])["hers"]
    tasks = ask(told, "standing", ALICE, ids=["Hers"])["ok"]["tasks"]
    assert tasks == {"hers": {"status": "pending", "digest": digest, "owner": ALICE}}


def test_standing_says_what_a_task_waits_for_and_no_reason_of_a_stop(told: Board) -> None:
    with told.transaction():
        told.crew.latch("pause", "a word among operators", NOW)
    reply = ask(told, "standing", ALICE, ids=["Hers"], waits=True)["ok"]["tasks"]
    (wait,) = Reading(told.connection).waits.of(["hers"]).values()
    assert wait_from_shape(reply["hers"]["wait"]) == wait
    assert wait.stop == "pause"
    assert "operators" not in json.dumps(reply)


def test_a_long_history_is_told_in_parts_and_each_part_is_bounded(told: Board) -> None:
    task = told.tasks.get("hers")
    assert task is not None
    with told.transaction():
        for number in range(LINES_AT_MOST + 5):
            told.history.add(task.seq, "task.duplicate", f"number {number}", NOW)
    first = ask(told, "show", ALICE, id="hers")["ok"]
    second = ask(told, "show", ALICE, id="hers", after=first["after"])["ok"]
    assert (len(first["task"]["history"]), len(second["task"]["history"])) == (LINES_AT_MOST, 6)
    assert second["after"] is None
    lines = [line["reason"] for part in (first, second) for line in part["task"]["history"]]
    assert lines == ["from a test", *(f"number {number}" for number in range(LINES_AT_MOST + 5))]


def test_as_many_ids_as_may_be_asked_for_are_answered_soon(told: Board) -> None:
    with told.transaction():
        for number in range(IDS_AT_MOST):
            told.tasks.insert(a_new_task(f"task-{number}", owner=ALICE), NOW)
    began = time.perf_counter()
    tasks = enquire(told, "standing", a_caller(ALICE), {"ids": [f"task-{number}" for number in range(IDS_AT_MOST)]})
    assert len(tasks["ok"]["tasks"]) == IDS_AT_MOST
    assert time.perf_counter() - began < 0.5, "the master does nothing else meanwhile"


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("show", {}),
        ("show", {"id": 7}),
        ("show", {"id": ["hers"]}),
        ("show", {"id": "hers", "after": "x"}),
        ("show", {"id": "hers", "after": 2**63}),
        ("show", {"id": "hers", "after": None}),
        ("standing", {}),
        ("standing", {"ids": "hers"}),
        ("standing", {"ids": [7]}),
        ("standing", {"ids": ["x"] * (IDS_AT_MOST + 1)}),
    ],
    ids=str,
)
def test_what_is_asked_badly_is_a_mistake(told: Board, verb: str, arguments: dict[str, Any]) -> None:
    assert ask(told, verb, ALICE, **arguments)["error"]["kind"] == "usage"


def test_a_board_that_cannot_be_read_now_is_said_to_be(told: Board) -> None:
    told.connection.execute("ALTER TABLE history RENAME TO gone")
    assert ask(told, "show", ALICE, id="hers")["error"]["kind"] == "unavailable"
    told.connection.execute("ALTER TABLE gone RENAME TO history")
