"""Codex CLI, run by its backend against a provider that leads it through a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents_at_work import CODEX, WALLS, ADoor, ASink, a_manner, a_request, an_agent, asked, needs_codex
from simulator import Simulator

from koubou.backends.port import Answer
from koubou.model.agent import Deeds, Work
from koubou.model.call import Bill, ErrorClass

pytestmark = needs_codex
PRICE = {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75}
KEY = "right"
MODEL = "gpt-5.5"
MODELS = [MODEL, "gpt-6-sol", "unknown-model"]
PATCH = "*** Begin Patch\n*** Add File: patched.txt\n+by patch\n*** End Patch\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(dict.fromkeys(MODELS, PRICE), key=KEY) as simulator:
        yield simulator


@pytest.fixture
def provider(running: Simulator) -> Simulator:
    running.reset()
    return running


def ran(provider: Simulator, sink: ASink, body: dict[str, Any] | None = None, **fields: Any) -> Answer:
    """One run of the program, whose key is good for this provider."""
    manner = a_manner(CODEX or "", **fields.pop("manner", {}))
    tier = an_agent("codex", manner, **{"model": MODEL, "context_tokens": 200_000, **fields})
    return asked(tier, ADoor(provider.port, token=KEY), sink, body or a_request("Make the file."))


@pytest.mark.parametrize("sandbox", WALLS)
@pytest.mark.parametrize("model", MODELS)
def test_it_does_what_it_is_told_and_its_deeds_are_counted(
    provider: Simulator, tmp_path: Path, model: str, sandbox: bool
) -> None:
    script = [{"tool": "echo by command > made.txt; echo ${KOUBOU_TOKEN:-hidden}"}, {"patch": PATCH}, {"say": "Made."}]
    provider.behave(script=script)
    sink = ASink(tmp_path / "a" / "1")
    answer = ran(provider, sink, model=model, manner={"sandbox": sandbox})
    assert (answer.error, answer.bill, sink.text) == (None, Bill.NONE, "Made.")
    work = tmp_path / "a" / "1" / "work"
    assert (work / "made.txt").read_text() == "by command\n"
    assert (work / "patched.txt").read_text() == "by patch\n"
    assert sink.told[-1][1] == Deeds(edits=1, commands=1)
    assert KEY not in (tmp_path / "a" / "1" / "log.jsonl").read_text()
    assert {each.name for each in (tmp_path / "a" / "1" / "home" / ".codex").iterdir()} == {"sessions"}


def test_the_schema_of_an_answer_and_the_effort_are_asked_for(provider: Simulator, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    wish = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    sink = ASink(tmp_path / "a" / "1")
    ran(provider, sink, a_request("A number.", response_format=wish), reasoning_effort="high")
    body = json.loads(provider.requests()[-1]["body"])
    assert body["text"]["format"]["schema"] == schema
    assert body["reasoning"]["effort"] == "high"


@pytest.mark.parametrize("sandbox", WALLS)
def test_it_goes_on_with_the_session_of_an_earlier_run(provider: Simulator, tmp_path: Path, sandbox: bool) -> None:
    first = ASink(tmp_path / "a" / "1")
    provider.behave(answer="The word is plum.")
    ran(provider, first, manner={"sandbox": sandbox})
    session = first.told[-1][0]
    second = ASink(tmp_path / "a" / "2", Work(session=session, resumes=first.folder))
    ran(provider, second, manner={"sandbox": sandbox})
    assert second.told[-1][0] == session
    assert "The word is plum." in provider.requests()[-1]["body"]
    assert "You were interrupted" in provider.requests()[-1]["body"]


@pytest.mark.parametrize(
    ("wishes", "kind"),
    [
        ({"errors": {"auth": 1}}, ErrorClass.AUTH),
        ({"errors": {"quota": 1}}, ErrorClass.QUOTA),
        ({"errors": {"rate_silent": 1}}, ErrorClass.RATE),
        ({"errors": {"overload": 1}}, ErrorClass.SERVER),
        ({"failure": "context_length_exceeded"}, ErrorClass.CONTEXT),
        ({"cut_after_billing": 1}, ErrorClass.CUT),
        ({"finish_reason": "length"}, ErrorClass.CUT),
    ],
)
def test_its_failures_have_a_class_even_without_the_gateway(
    provider: Simulator, tmp_path: Path, wishes: dict[str, Any], kind: ErrorClass
) -> None:
    provider.behave(**wishes)
    answer = ran(provider, ASink(tmp_path / "a" / "1"))
    assert answer.error is not None
    assert answer.error.kind is kind


def test_it_is_ended_when_it_runs_more_commands_than_it_may(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(script=[{"tool": "echo one"}, {"tool": "echo two"}, {"say": "Done."}])
    answer = ran(provider, ASink(tmp_path / "a" / "1", Work(commands=1)))
    assert answer.error is not None
    assert (answer.error.kind, answer.error.code) == (ErrorClass.OPERATIONS, "commands")
