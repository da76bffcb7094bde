"""The power goes at any moment: what was not fsynced is gone, and yet nothing is lost, done twice or paid twice."""

from __future__ import annotations

import json
from collections import Counter

from power import a_powered_workshop
from simulator import Simulator
from workshop import Workshop

ROUNDS = 3


def test_whenever_the_power_goes_nothing_is_lost_and_nothing_is_paid_twice() -> None:
    with a_powered_workshop() as powered:
        workshop, provider = powered.workshop, powered.workshop.provider
        tasks: set[str] = set()
        bad: set[str] = set()
        for number in range(ROUNDS):
            provider.behave(latency_ms=(20, 0, 150)[number % 3])
            new = [f"r{number}-{each}" for each in range(40)]
            files = {f"{task}.yaml": {"id": task, "prompt": f"I am {task}.", "tier": "gpt5_medium"} for task in new}
            powered.drop({**files, f"bad-{number}.yaml": "prompt: [\n"})
            tasks |= set(new)
            bad.add(f"bad-{number}.yaml")
            # The power goes while files are taken in, or while answers stand on the board that are not filed yet.
            wanted = known_outcomes(workshop) + (12, 1, 0)[number % 3]
            workshop.wait_until(lambda wanted=wanted: known_outcomes(workshop) >= wanted, "the moment", every=0.002)
            powered.cut()
            known = what_the_board_knows(workshop)
            asked = calls(provider, tasks)
            assert {task for task in known if not has_its_paper(workshop, task)} == set()
            workshop.start()
            workshop.wait_until(lambda tasks=tasks: workshop.completed >= tasks, "every answer", within=60)
            workshop.wait_until(lambda: set(workshop.counts()) == {"completed"}, "rest")
            assert {task for task in known if calls(provider, {task}) != {task: asked[task]}} == set()
        assert (workshop.completed, workshop.failed, workshop.rejected) == (tasks, set(), bad)
        ends = Counter(
            task
            for (task,) in workshop.sql(
                "SELECT t.id FROM history h JOIN task t ON t.seq = h.task WHERE h.event = 'task.completed'"
            )
        )
        assert ends == dict.fromkeys(tasks, 1)
        assert workshop.held() == {}
        assert workshop.month()["settled_nusd"] >= provider.bill()["nusd"]


def what_the_board_knows(workshop: Workshop) -> set[str]:
    """The tasks whose outcome stands on the board."""
    return {task for (task,) in workshop.sql("SELECT id FROM task WHERE outcome IS NOT NULL OR filed_at IS NOT NULL")}


def known_outcomes(workshop: Workshop) -> int:
    ((count,),) = workshop.sql("SELECT COUNT(*) FROM task WHERE outcome IS NOT NULL OR filed_at IS NOT NULL")
    return int(count)


def has_its_paper(workshop: Workshop, task: str) -> bool:
    """Whether the answer stands where it can be filed from, or where it was filed."""
    places = [workshop.home / "tasks/completed" / task / "output.json"]
    places += (workshop.home / "tasks/in_progress" / task / "runs").glob("*/result.json")
    return any(place.exists() and json.loads(place.read_bytes()) for place in places)


def calls(provider: Simulator, tasks: set[str]) -> Counter[str]:
    """How often the provider was asked for each."""
    bodies = [each["body"] for each in provider.requests()]
    return Counter({task: count for task in tasks if (count := sum(f"I am {task}." in body for body in bodies))})
