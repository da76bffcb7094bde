"""The real Codex CLI and Claude Code at the bench: what they change comes back, and what they ask is metered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from at_the_bench import (
    BOTH,
    READ_ME,
    a_bench,
    ask_for,
    needs_the_bench,
    output_of,
    patched,
    the_key_is_nowhere,
    the_ledger_is_the_bill,
)
from till import waiting
from workshop import Workshop

pytestmark = needs_the_bench()
WORK = [
    {"tool": "echo made by a tool > made.txt && echo The second line. >> README.md"},
    {"say": "I have made a file."},
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Workshop]:
    with a_bench() as workshop:
        yield workshop.start()


@pytest.fixture
def workshop(bench: Workshop) -> Workshop:
    bench.provider.behave(script=WORK, errors={}, output_tokens=40, cached_tokens=100, latency_ms=0, stalled=False)
    return bench


@pytest.mark.parametrize("agent", BOTH)
def test_an_agent_edits_a_file_and_the_patch_comes_back(workshop: Workshop, agent: str) -> None:
    task = f"edit-{agent}"
    ask_for(workshop, task, agent)
    workshop.wait_until(lambda: task in workshop.completed, "the agent's work", within=60)
    told = output_of(workshop, task)
    assert told["answer"] == "I have made a file."
    assert told["executor"] == agent
    assert told["usage"]["calls"] == 2
    assert {(each["path"], each["kind"]) for each in told["changes"]["files"]} == {
        ("README.md", "modified"),
        ("made.txt", "added"),
    }
    assert patched(workshop, task) == {"README.md": f"{READ_ME}The second line.\n", "made.txt": "made by a tool\n"}
    the_ledger_is_the_bill(workshop)
    the_key_is_nowhere(workshop)
    run = workshop.ask("show", task)["runs"][0]
    assert run["session"]
    assert (run["calls"], run["commands"]) == (2, 1)


@pytest.mark.parametrize("agent", BOTH)
def test_an_agent_whose_money_runs_out_is_stopped_and_goes_on_when_it_has_more(workshop: Workshop, agent: str) -> None:
    task = f"poor-{agent}"
    steps: list[dict[str, Any]] = [{"tool": f"echo {number} >> steps.txt"} for number in range(40)]
    workshop.provider.behave(script=[*steps, {"say": "done"}], output_tokens=1_500)
    before = workshop.provider.bill()["nusd"]
    ask_for(workshop, task, agent, budget={"cost_usd": 0.9}, on_interrupt="resume")
    workshop.wait_until(lambda: waiting(workshop).get(task) == "budget", "the task to wait for money", within=60)
    spent = workshop.provider.bill()["nusd"] - before
    assert 0 < spent <= 900_000_000
    the_ledger_is_the_bill(workshop)
    workshop.provider.behave(script=WORK)
    workshop.ask("budget", "add", task, "--usd", "2")
    workshop.wait_until(lambda: task in workshop.completed, "the rest of the work", within=60)
    the_ledger_is_the_bill(workshop)


@pytest.mark.parametrize(("tier", "calls"), [("both", 2), ("tested", 4)])
def test_two_agents_work_side_by_side_and_one_has_the_last_word(workshop: Workshop, tier: str, calls: int) -> None:
    """`both` takes the first answer; `tested` waits for both, and its test passes for what either has made."""
    task = f"side-by-side-{tier}"
    ask_for(workshop, task, tier, executor="hybrid")
    told = workshop.output(task)
    assert told["answer"] == "I have made a file."
    assert told["executor"] == "hybrid"
    assert told["usage"]["calls"] >= calls
    assert patched(workshop, task)["made.txt"] == "made by a tool\n"
    workshop.wait_until(lambda: not workshop.provider.bill()["in_flight"], "every call to end")
    the_ledger_is_the_bill(workshop)
