"""Two agents at the same work: one answer is chosen, and the work of whoever gave it stands."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from agents_at_work import ADoor, ASink, a_manner, a_request, an_agent, stub_program
from simulator import Simulator

from koubou.backends.opening import open_backend
from koubou.backends.port import Answer, CannotServe
from koubou.backends.rooms import clear
from koubou.leash.holding import Leashes
from koubou.model.agent import Work
from koubou.model.call import Bill, ErrorClass
from koubou.model.tier import Tier

NAMES = ("one", "two")


def a_pair(folder: Path, first: str, second: str, **fields: Any) -> Tier:
    """A tier of two stubs that behave so."""
    members = tuple(
        an_agent("codex", a_manner(stub_program(folder, word)), name=name, model=f"model-of-{name}")
        for name, word in zip(NAMES, (first, second), strict=True)
    )
    return an_agent("hybrid", a_manner(""), name="both", members=members, **fields)


def ran(tier: Tier, sink: ASink) -> tuple[Answer, dict[str, ADoor]]:
    doors = {name: ADoor() for name in NAMES}

    async def whole() -> Answer:
        return await open_backend(tier, (), Leashes(), doors).answer(a_request("please"), sink)

    return asyncio.run(whole()), doors


def test_the_first_answer_counts_and_the_other_agent_is_ended(tmp_path: Path) -> None:
    sink = ASink(tmp_path / "a" / "1")
    work = tmp_path / "a" / "1" / "work"
    work.mkdir()
    (work / "there.txt").write_text("before")
    answer, doors = ran(a_pair(tmp_path, "waits", "makes-two"), sink)
    assert (answer.error, answer.bill, answer.model, sink.text) == (None, Bill.NONE, "model-of-two", "makes-two")
    assert {each.name: each.read_text() for each in work.iterdir()} == {"there.txt": "before", "made.txt": "makes-two"}
    assert not any(door.open for door in doors.values())


def test_an_agent_that_fails_leaves_the_field_to_the_other(tmp_path: Path) -> None:
    for pair in (("fails", "makes-two"), ("makes-two", "fails")):
        sink = ASink(tmp_path / "-".join(pair))
        answer, _ = ran(a_pair(tmp_path, *pair), sink)
        assert (answer.error, sink.text) == (None, "makes-two")


@pytest.mark.parametrize("join", ["first", "pick"])
def test_where_both_fail_the_first_says_why(tmp_path: Path, join: str) -> None:
    answer, _ = ran(a_pair(tmp_path, "fails", "fail-early", join=join), ASink(tmp_path / "a" / "1"))
    assert answer.error is not None
    assert answer.error.status == 503


@pytest.mark.parametrize(
    ("test", "chosen"),
    [
        (("grep", "-q", "two", "made.txt"), "makes-two"),
        (("grep", "-q", "nobody", "made.txt"), "makes-one"),
        (("true",), "makes-one"),
        ((), "makes-one"),
    ],
)
def test_a_test_of_the_settings_picks_and_else_the_order_does(
    tmp_path: Path, test: tuple[str, ...], chosen: str
) -> None:
    sink = ASink(tmp_path / "a" / "1")
    answer, _ = ran(a_pair(tmp_path, "makes-one", "makes-two", join="pick", test=test), sink)
    assert (answer.error, sink.text) == (None, chosen)
    assert (tmp_path / "a" / "1" / "work" / "made.txt").read_text() == chosen


def test_what_both_do_counts_together_and_each_goes_on_with_its_own_session(tmp_path: Path) -> None:
    sink = ASink(tmp_path / "a" / "1", Work(edits=8))
    ran(a_pair(tmp_path, "edits", "edits", join="pick"), sink)
    session, deeds = sink.told[-1]
    assert deeds.edits == 12
    assert session is not None
    assert [each.split("=")[0] for each in session.split()] == ["one", "two"]
    later = ASink(tmp_path / "a" / "2", Work(session=session, resumes=sink.folder))
    ran(a_pair(tmp_path, "fails", "fails"), later)
    assert later.text.startswith("resumed: ")
    clear(sink.folder)
    left = [path.name for path in Path(sink.folder).rglob("*") if path.is_dir()]
    assert sorted(left) == ["member-one", "member-two"]


def test_two_agents_do_not_work_in_the_workspace_itself(tmp_path: Path) -> None:
    work = Work(workspace=str(tmp_path), isolate=False)
    answer, _ = ran(a_pair(tmp_path, "makes-one", "makes-two"), ASink(tmp_path / "a" / "1", work))
    assert answer.error is not None
    assert (answer.error.kind, answer.error.code) == (ErrorClass.BAD_REQUEST, "isolate")
    assert not os.path.exists(tmp_path / "made.txt")


def test_a_cancelled_run_ends_both(tmp_path: Path) -> None:
    sink = ASink(tmp_path / "a" / "1")
    doors = {name: ADoor() for name in NAMES}

    async def cancelled() -> None:
        backend = open_backend(a_pair(tmp_path, "waits", "stubborn"), (), Leashes(), doors)
        running = asyncio.ensure_future(backend.answer(a_request("please"), sink))
        while not (sink.told and len((sink.told[-1][0] or "").split()) == 2):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert not any(door.open for door in doors.values())


def test_a_hybrid_tier_needs_two_agents_with_doors(tmp_path: Path) -> None:
    tier = a_pair(tmp_path, "waits", "waits")
    with pytest.raises(CannotServe):
        open_backend(tier, (), Leashes(), {"one": ADoor()})
    with pytest.raises(CannotServe):
        open_backend(an_agent("hybrid", a_manner(""), members=tier.members[:1]), (), Leashes(), {"one": ADoor()})


def test_where_no_test_tells_a_model_of_the_first_is_asked_in_a_call_through_its_door(tmp_path: Path) -> None:
    for answer, chosen in (("Both are fine.\nBEST: 2", "makes-two"), ("Nobody knows.", "makes-one")):
        with Simulator() as provider:
            provider.behave(answer=answer, output_tokens=30)
            sink = ASink(tmp_path / str(len(answer)) / "1")
            tier = a_pair(tmp_path, "makes-one", "makes-two", join="pick")
            doors = {name: ADoor(provider.port) for name in NAMES}

            async def whole(tier: Tier = tier, sink: ASink = sink, doors: dict[str, ADoor] = doors) -> Answer:
                return await open_backend(tier, (), Leashes(), doors).answer(a_request("make it"), sink)

            assert asyncio.run(whole()).error is None
            assert sink.text == chosen
            (asked,) = provider.requests()
        for word in ("make it", "+makes-one", "+makes-two"):
            assert word in asked["body"]
