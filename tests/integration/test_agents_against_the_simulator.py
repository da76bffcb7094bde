"""The agents' own programs work through a script of the simulator, so what is tried with it is what they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_programs import claude, codex, needs_claude, needs_codex
from simulator import Simulator

CODEX_MODELS = ["unknown-model", "gpt-5.5", "gpt-6-sol"]
"""One that Codex does not know, one with apply_patch, one that has its tools through JavaScript."""

PRICE = {"input": 3, "output": 15, "cached_input": 0.3, "cache_write": 3.75}
CLAUDE_MODEL = "claude-sonnet-4-5"
PATCH = "*** Begin Patch\n*** Add File: patched.txt\n+by patch\n*** End Patch\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    prices = {CLAUDE_MODEL: PRICE, **dict.fromkeys(CODEX_MODELS, PRICE)}
    with Simulator(prices, key="right") as simulator:
        yield simulator


@pytest.fixture
def provider(running: Simulator) -> Simulator:
    running.reset()
    return running


def last(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return [event for event in events if event["type"] == kind][-1]


@needs_codex
@pytest.mark.parametrize("model", CODEX_MODELS)
def test_codex_runs_a_command_makes_a_patch_and_says_what_it_is_told(
    provider: Simulator, tmp_path: Path, model: str
) -> None:
    script = [{"tool": "echo by command > made.txt"}, {"patch": PATCH}, {"say": "It is made."}]
    provider.behave(script=script, output_tokens=40, cached_tokens=100, reasoning_tokens=10)
    agent = codex(tmp_path, provider.base_url, model=model)
    status, events = agent.end()
    bill = provider.bill()
    assert status == 0
    assert (agent.workspace / "made.txt").read_text() == "by command\n"
    assert (agent.workspace / "patched.txt").read_text() == "by patch\n"
    assert last(events, "item.completed")["item"]["text"] == "It is made."
    assert (bill["calls"], bill["answered"], bill["errors"]) == (3, 3, 0)
    usage = last(events, "turn.completed")["usage"]
    assert (usage["input_tokens"], usage["cached_input_tokens"]) == (bill["input_tokens"], 300)
    assert (usage["output_tokens"], usage["reasoning_output_tokens"]) == (120, 30)
    assert bill["nusd"] == (usage["input_tokens"] - 300) * 3_000 + 300 * 300 + 120 * 15_000


@needs_claude
def test_claude_runs_a_command_writes_and_edits_and_says_what_it_is_told(provider: Simulator, tmp_path: Path) -> None:
    written = str(tmp_path / "workspace" / "written.txt")
    script = [
        {"tool": "echo by command > made.txt"},
        {"write": {"path": written, "text": "one\n"}},
        {"edit": {"path": written, "old": "one", "new": "two"}},
        {"say": "It is made."},
    ]
    provider.behave(script=script, output_tokens=40, cached_tokens=100, written_tokens=20)
    agent = claude(tmp_path, provider.base_url, model=CLAUDE_MODEL)
    status, events = agent.end()
    bill = provider.bill()
    result = last(events, "result")
    assert (status, result["is_error"], result["result"]) == (0, False, "It is made.")
    assert (agent.workspace / "made.txt").read_text() == "by command\n"
    assert Path(written).read_text() == "two\n"
    assert (bill["calls"], bill["answered"], bill["errors"]) == (4, 4, 0)
    usage = result["usage"]
    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (400, 80)
    assert usage["input_tokens"] + 480 == bill["input_tokens"]
    assert usage["output_tokens"] == bill["output_tokens"] == 160
    assert bill["nusd"] == usage["input_tokens"] * 3_000 + 400 * 300 + 80 * 3_750 + 160 * 15_000


@needs_codex
@needs_claude
def test_many_conversations_go_on_at_once(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(script=[{"tool": "echo one > one"}, {"tool": "echo two > two"}, {"say": "Both."}])
    agents = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        base_url = provider.door(f"run-{number}")
        agents.append(claude(folder, base_url) if number % 2 else codex(folder, base_url, model="unknown-model"))
    for number, agent in enumerate(agents):
        assert agent.end()[0] == 0
        assert {each.name for each in agent.workspace.iterdir()} == {"one", "two"}
        assert len(provider.requests(f"run-{number}")) == 3


@needs_codex
def test_codex_with_a_wrong_key_gets_nothing_and_pays_nothing(provider: Simulator, tmp_path: Path) -> None:
    status, events = codex(tmp_path, provider.base_url, model="unknown-model", key="wrong").end()
    assert status == 1
    assert "401" in last(events, "turn.failed")["error"]["message"]
    assert (provider.bill()["nusd"], provider.bill()["answered"]) == (0, 0)


@needs_claude
def test_claude_with_a_wrong_key_gets_nothing_and_pays_nothing(provider: Simulator, tmp_path: Path) -> None:
    status, events = claude(tmp_path, provider.base_url, key="wrong").end()
    result = last(events, "result")
    assert (status, result["is_error"], result["api_error_status"]) == (1, True, 401)
    assert (provider.bill()["nusd"], provider.bill()["answered"]) == (0, 0)


@needs_codex
def test_codex_sees_an_answer_fail_in_its_middle(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(failure="context_length_exceeded")
    status, events = codex(tmp_path, provider.base_url, model="unknown-model").end()
    assert status == 1
    assert "ran out of room" in last(events, "turn.failed")["error"]["message"]


@needs_codex
def test_codex_sees_an_answer_that_was_cut_at_its_cap(provider: Simulator, tmp_path: Path) -> None:
    provider.behave(finish_reason="length")
    status, events = codex(tmp_path, provider.base_url, model="unknown-model").end()
    assert status == 1
    assert "max_output_tokens" in last(events, "turn.failed")["error"]["message"]
