"""What all agents share, with a program that behaves and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from agents_at_work import TOKEN, ADoor, ASink, a_manner, a_request, an_agent, asked, needs_walls, stub_program

from koubou.backends.opening import open_backend
from koubou.backends.port import Answer, CannotServe
from koubou.backends.rooms import clear
from koubou.leash.holding import Leashes
from koubou.model.agent import Deeds, Work
from koubou.model.call import Bill, ErrorClass
from koubou.rules.provider_errors import plain_error

THREAD = "00000000-0000-7000-8000-000000000001"


def ran(folder: Path, words: str, work: Work | None = None, door: ADoor | None = None, **fields: Any) -> Any:
    """The answer and the sink of one run of the stub."""
    manner = a_manner(stub_program(folder), dangerous=(r"\bsudo\b",), **fields.pop("manner", {}))
    sink = ASink(folder / "a" / "1", work)
    answer = asked(an_agent("codex", manner, **fields), door or ADoor(), sink, a_request(words))
    return answer, sink


def failure(answer: Answer) -> tuple[ErrorClass, str]:
    assert answer.error is not None
    assert answer.bill is Bill.NONE
    assert "own text" not in answer.error.message
    return answer.error.kind, answer.error.code


@pytest.mark.parametrize("words", ["please", "no-newline"])
def test_its_last_message_is_the_answer_and_the_run_itself_costs_nothing(tmp_path: Path, words: str) -> None:
    answer, sink = ran(tmp_path, words)
    assert (answer.error, answer.bill, answer.finish_reason) == (None, Bill.NONE, "stop")
    assert sink.text in ("all is well", "well")
    assert not sink.was_sent
    assert sink.told[0] == (THREAD, Deeds())


def test_it_works_in_its_place_and_sees_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    work = Work(budget=250_000_000, deadline=1_764_000_000_000)
    _, sink = ran(tmp_path, "where", work, ADoor(port=4321))
    seen = json.loads(sink.text)
    folder = str(tmp_path / "a" / "1")
    assert seen["cwd"] == f"{folder}/work"
    environment = seen["environment"]
    assert "sk-real" not in sink.text
    assert environment["HOME"] == f"{folder}/home"
    assert environment["KOUBOU_TASK_ID"] == "a"
    assert environment["KOUBOU_TIER"] == "local"
    assert environment["KOUBOU_BUDGET_USD"] == "0.250000"
    assert environment["KOUBOU_DEADLINE"] == "2025-11-24T16:00:00.000Z"
    assert environment["KOUBOU_TOKEN"] == TOKEN


def test_a_task_may_have_it_work_in_the_workspace_itself(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    _, sink = ran(tmp_path, "where", Work(workspace=str(workspace), isolate=False))
    assert json.loads(sink.text)["cwd"] == str(workspace)


@pytest.mark.parametrize(
    ("words", "fields", "kind", "code"),
    [
        ("mute-end", {}, ErrorClass.CUT, "no_answer"),
        ("half", {}, ErrorClass.CUT, "no_answer"),
        ("fail-early", {}, ErrorClass.SERVER, "exit_3"),
        ("whole-but-fails", {}, ErrorClass.SERVER, "exit_4"),
        ("fails", {}, ErrorClass.SERVER, ""),
        ("stubborn", {"timeout": 1_000}, ErrorClass.TIMEOUT, "wall"),
        ("waits", {"idle": 1_000}, ErrorClass.TIMEOUT, "idle"),
        ("floods", {}, ErrorClass.SERVER, "output"),
    ],
)
def test_what_goes_wrong_has_a_name(
    tmp_path: Path, words: str, fields: dict[str, Any], kind: ErrorClass, code: str
) -> None:
    answer, sink = ran(tmp_path, words, **fields)
    assert failure(answer) == (kind, code)
    assert sink.text == ""


@pytest.mark.parametrize("words", ["fails", "half"])
def test_what_the_door_knows_of_the_calls_counts_before_what_the_agent_says(tmp_path: Path, words: str) -> None:
    trouble = plain_error(ErrorClass.RATE, status=429)
    answer, _ = ran(tmp_path, words, door=ADoor(trouble=trouble))
    assert answer.error == trouble
    answer, _ = ran(tmp_path, "please", door=ADoor(trouble=trouble))
    assert answer.error is None


@pytest.mark.parametrize(
    ("words", "work", "manner", "code"),
    [
        ("edits", Work(edits=3), {}, "edits"),
        ("commands", Work(commands=2), {}, "commands"),
        ("commands", Work(), {"dangerous_most": 2}, "dangerous"),
    ],
)
def test_an_agent_that_does_more_than_it_may_is_ended(
    tmp_path: Path, words: str, work: Work, manner: dict[str, Any], code: str
) -> None:
    answer, sink = ran(tmp_path, words, work, manner=manner)
    assert failure(answer) == (ErrorClass.OPERATIONS, code)
    deeds = sink.told[-1][1]
    assert deeds == (Deeds(edits=4) if words == "edits" else Deeds(commands=3, dangerous=3))


def test_an_agent_may_do_all_that_it_may_and_what_it_tells_twice_counts_once(tmp_path: Path) -> None:
    answer, sink = ran(tmp_path, "edits-and-ends", Work(edits=6, commands=0))
    assert answer.error is None
    assert sink.told[-1][1] == Deeds(edits=6)


@pytest.mark.parametrize("words", ["waits", "stubborn"])
def test_an_agent_whose_calls_are_all_refused_is_ended(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koubou.backends.visit._WAY_OUT", 0.1)
    door = ADoor(trouble=plain_error(ErrorClass.BUDGET))
    door.hopeless = True
    answer, _ = ran(tmp_path, words, door=door, timeout=3_600_000)
    assert answer.error == door.trouble


def test_an_agent_that_gives_up_by_itself_when_it_is_refused_ends_with_the_refusal(tmp_path: Path) -> None:
    door = ADoor(trouble=plain_error(ErrorClass.SECRET, code="token"))
    door.hopeless = True
    answer, _ = ran(tmp_path, "fails", door=door)
    assert answer.error == door.trouble


def test_an_agent_that_was_about_to_send_a_secret_has_not_answered_however_well_it_ends(tmp_path: Path) -> None:
    door = ADoor(trouble=plain_error(ErrorClass.SECRET, code="token"))
    door.hopeless = True
    answer, sink = ran(tmp_path, "please", door=door)
    assert answer.error == door.trouble
    assert sink.text == ""


def test_a_run_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def cancelled() -> ADoor:
        door, sink = ADoor(), ASink(tmp_path / "a" / "1")
        backend = open_backend(an_agent("codex", a_manner(stub_program(tmp_path))), (), Leashes(), {"local": door})
        running = asyncio.ensure_future(backend.answer(a_request("waits"), sink))
        while not sink.told:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return door

    assert not asyncio.run(cancelled()).open
    assert not (tmp_path / "a" / "1" / "tmp").exists()


def test_a_later_run_goes_on_with_the_session_of_the_earlier_one(tmp_path: Path) -> None:
    ran(tmp_path, "please")
    earlier = tmp_path / "a" / "1"
    assert sorted(os.listdir(earlier / "home" / ".codex")) == ["sessions"]
    sink = ASink(tmp_path / "a" / "2", Work(session=THREAD, resumes=str(earlier)))
    tier = an_agent("codex", a_manner(stub_program(tmp_path)))
    asked(tier, ADoor(), sink, a_request("please"))
    assert sink.text.startswith("resumed: You were interrupted")
    assert sink.told[0][0] == THREAD
    clear(str(earlier))
    assert not (earlier / "home").exists()


@pytest.mark.parametrize("session", ["unknown", THREAD])
def test_a_session_that_cannot_be_resumed_is_begun_anew(tmp_path: Path, session: str) -> None:
    ran(tmp_path, "please")
    earlier = tmp_path / "a" / "1"
    if session == THREAD:
        clear(str(earlier))
    sink = ASink(tmp_path / "a" / "2", Work(session=session, resumes=str(earlier)))
    asked(an_agent("codex", a_manner(stub_program(tmp_path))), ADoor(), sink, a_request("please"))
    assert sink.text == "all is well"


def test_links_that_an_agent_left_lead_nowhere(tmp_path: Path) -> None:
    ran(tmp_path, "please")
    secret = tmp_path / "secret" / "sessions"
    secret.mkdir(parents=True)
    (secret / "thread").write_text("of somebody else")
    earlier = tmp_path / "a" / "1"
    clear(str(earlier))
    (earlier / "home").mkdir()
    (earlier / "home" / ".codex").symlink_to(secret.parent)
    sink = ASink(tmp_path / "a" / "2", Work(session=THREAD, resumes=str(earlier)))
    asked(an_agent("codex", a_manner(stub_program(tmp_path))), ADoor(), sink, a_request("please"))
    assert sink.text == "all is well"
    clear(str(earlier))
    assert (secret / "thread").exists()


def test_codex_does_not_work_where_nothing_would_hold_its_commands(tmp_path: Path) -> None:
    sink = ASink(tmp_path / "a" / "1")
    manner = a_manner(stub_program(tmp_path, "unconfined"))
    answer = asked(an_agent("codex", manner), ADoor(), sink, a_request("please"))
    assert failure(answer) == (ErrorClass.INTERNAL, "cannot_serve")
    assert not sink.told


@needs_walls
def test_codex_leaves_it_to_our_walls_where_its_own_sandbox_does_not_work(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    words = (
        '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"%s"}}\\n{"type":"turn.completed"}\\n'
    )
    look = "$(grep -o danger-full-access $CODEX_HOME/config.toml)"
    program.write_text(f"#!/bin/sh\n[ $1 = exec ] || exit 1\nprintf '{words}' {look}\n")
    program.chmod(0o700)
    sink = ASink(tmp_path / "a" / "1")
    answer = asked(an_agent("codex", a_manner(str(program), sandbox=True)), ADoor(), sink, a_request("please"))
    assert (answer.error, sink.text) == (None, "danger-full-access")


def test_a_program_that_is_not_there_is_told_at_the_start() -> None:
    for executor in ("codex", "claude"):
        with pytest.raises(CannotServe, match="scripts/agents"):
            open_backend(an_agent(executor, a_manner("/no/such/program")), (), Leashes(), {"local": ADoor()})
        with pytest.raises(CannotServe):
            open_backend(an_agent(executor, a_manner("/bin/true")), (), Leashes(), {})
