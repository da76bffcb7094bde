"""What the real agents read goes no further than it may: their own environment does, what was planted does not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from at_the_bench import BOTH, MODELS, a_bench, a_workspace, ask_for, needs_the_bench, output_of, the_ledger_is_the_bill
from planted import plant
from workshop import Workshop

pytestmark = needs_the_bench()


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with a_bench() as workshop:
        yield workshop.start()


@pytest.mark.parametrize("agent", BOTH)
def test_an_agent_may_look_at_its_own_environment(workshop: Workshop, agent: str) -> None:
    workshop.provider.behave(model=MODELS[agent], script=[{"tool": "env; export -p; cd /; pwd"}, {"say": "seen"}])
    task = f"env-{agent}"
    ask_for(workshop, task, agent)
    workshop.wait_until(lambda: task in workshop.completed, "the agent's work", within=60)
    told = output_of(workshop, task)
    assert (told["answer"], told["tier"], told["attempts"]) == ("seen", agent, 1)
    assert "PWD=/work" in workshop.provider.received("cloud")


@pytest.mark.parametrize("agent", BOTH)
@pytest.mark.parametrize("category", ["aws", "openssh key", "password of a database"])
def test_a_secret_that_an_agent_reads_stays_in_the_house(workshop: Workshop, agent: str, category: str) -> None:
    task = f"{category.split()[0]}-{agent}"
    secret = plant(Random(f"{agent} {category}"), category)
    folder = a_workspace(workshop, task)
    hide(folder, secret.text)
    workshop.provider.behave(model=MODELS[agent], script=[{"tool": "sh reveal.sh"}, {"say": "seen"}])
    ask_for(workshop, task, agent, workspace=folder)
    workshop.wait_until(lambda: task in workshop.completed, "a local tier to do the work", within=40)
    told = output_of(workshop, task)
    assert (told["tier"], told["sensitivity"]) == ("local", "confidential")
    heard = workshop.provider.received("cloud")
    assert not [value for value in secret.values if value in heard]
    reasons = [line["reason"] for line in workshop.show(task)["history"]]
    assert any("the agent was about to send" in reason for reason in reasons), reasons
    the_ledger_is_the_bill(workshop)


def hide(folder: Path, text: str) -> None:
    """Where only who runs a program comes upon it: what is seen before the task is routed says nothing."""
    packed = base64.b85encode(text.encode()).decode()
    (folder / "reveal.sh").write_text("python3 -c 'import base64; print(base64.b85decode(input()).decode())' < packed")
    (folder / "packed").write_text(packed)
