"""No process of a task outlives the task, whoever of those that hold it is killed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from leashed import HOSTILE, Roll, lives
from workshop import Workshop

FAMILY = 5


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    return Roll(tmp_path)


@pytest.fixture
def workshop(roll: Roll, tmp_path: Path) -> Iterator[Workshop]:
    """One tier for each behaviour of the stub agent, in one worker each."""
    agents = ("finished", "daemon", "family", "talker", "silent", "impostor")
    words = [sys.executable, "-I", "-S", HOSTILE]
    with Workshop(
        None,
        under=tmp_path,
        tiers={name: a_tier(name) for name in agents},
        commands={name: {"argv": [*words, name, str(roll.path)], "grace": "200ms"} for name in agents},
        routing=dict.fromkeys(("high", "medium", "low"), "finished"),
        workers={"idle_timeout": "10m"},
    ).start() as open_workshop:
        yield open_workshop
        assert open_workshop.stop() == 0
        assert roll.alive() == []


def a_tier(command: str) -> dict[str, Any]:
    return {
        "reach": "local",
        "executor": f"command:{command}",
        "trusted_host": True,
        "sandbox": "off",
        "price": {"input": 0, "output": 0},
        "retries": 0,
        "retry_delay": "50ms",
        "timeout": "30s",
        "workers": {"min": 0, "max": 1},
    }


def holder(roll: Roll) -> psutil.Process:
    """The leash of those who have signed and live."""
    alive = [psutil.Process(pid) for pid, born in roll.signed if lives(pid, born)]
    [leash] = {parent for each in alive for parent in each.parents() if "koubou/leash" in " ".join(parent.cmdline())}
    return leash


def test_a_command_answers_and_all_that_it_started_goes_with_it(workshop: Workshop, roll: Roll) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "daemon"})
    assert workshop.output("a")["answer"] == "result\n"
    assert roll.alive() == []
    workshop.drop("b.yaml", {"id": "b", "prompt": "Hello", "tier": "silent"})
    assert workshop.error("b")["error"]["code"] == "no_answer"
    signed = len(roll.signed)
    workshop.drop("c.yaml", {"id": "c", "prompt": "Hello", "tier": "family"})
    roll.at_least(signed + FAMILY)
    assert workshop.koubou("cancel", "c").returncode == 0
    workshop.error("c")
    assert roll.alive() == []


def test_kill_9_below_the_master_leaves_nothing_and_the_task_is_tried_again_alone(
    workshop: Workshop, roll: Roll
) -> None:
    for victims in ("leash", "both", "worker"):
        before = roll.signed
        workshop.drop(f"{victims}.yaml", {"id": victims, "prompt": "Hello", "tier": "family", "retries": 3})
        roll.at_least(len(before) + FAMILY)
        first = roll.signed
        leash = holder(roll)
        worker = leash.parent()
        assert worker is not None
        for victim in {"leash": [leash], "worker": [worker], "both": [leash, worker]}[victims]:
            victim.kill()
        workshop.wait_until(lambda first=first: roll.signed - first, "another try")  # type: ignore[misc]
        assert [each for each in first if lives(*each)] == []
        workshop.wait_until(lambda first=first: len(roll.signed - first) >= FAMILY, "all of it")  # type: ignore[misc]
        assert workshop.koubou("cancel", victims).returncode == 0
        workshop.error(victims)
        assert roll.alive() == []


def test_one_that_looks_like_a_program_of_ours_goes_as_well(workshop: Workshop, roll: Roll) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "impostor", "retries": 3})
    words = [sys.executable, "-P", "-m", "koubou.hands"]

    def impostors() -> list[tuple[int, int]]:
        return [each for each in roll.signed if lives(*each) and psutil.Process(each[0]).cmdline() == words]

    [impostor] = workshop.wait_until(impostors, "somebody in our clothes")
    leash = holder(roll)
    worker = leash.parent()
    assert worker is not None
    worker.suspend()  # so that it cannot end the others either
    leash.kill()
    worker.kill()
    workshop.wait_until(lambda: [each for each in impostors() if each != impostor], "another try")
    assert not lives(*impostor)
    assert workshop.koubou("cancel", "a").returncode == 0
    workshop.error("a")


def test_whatever_a_killed_master_leaves_is_ended_by_the_next(workshop: Workshop, roll: Roll) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello", "tier": "talker"})
    roll.at_least(1)
    [(pid, born)] = roll.signed
    leash = holder(roll)
    worker = leash.parent()
    assert worker is not None
    leash.suspend()  # a leash that hangs can end nothing
    workshop.kill()
    worker.kill()
    assert lives(pid, born)
    workshop.start()
    assert not lives(pid, born)
    workshop.wait_until(lambda: len(roll.signed) >= 2, "another try")
    assert workshop.koubou("cancel", "a").returncode == 0
    workshop.error("a")


def test_the_emergency_stop_ends_agents_within_five_seconds(workshop: Workshop, roll: Roll) -> None:
    for name in ("family", "talker"):
        workshop.drop(f"{name}.yaml", {"id": name, "prompt": "Go on.", "tier": name})
    workshop.wait_until(lambda: len(roll.signed) > FAMILY, "all of them to be at work")
    workshop.signal(signal.SIGUSR2)
    workshop.wait_until(lambda: roll.alive() == [], "nobody to be left", within=5)
    for name in ("family", "talker"):
        workshop.wait_until(
            lambda name=name: workshop.sql("SELECT status, attempts FROM task WHERE id = ?", name) == [("pending", 1)],
            f"{name} to wait",
        )
    signed = len(roll.signed)
    assert workshop.koubou("budget", "resume", "--reason", "looked at it").returncode == 0
    workshop.wait_until(lambda: len(roll.signed) > signed, "another try")
    assert workshop.koubou("cancel", "family", "talker").returncode == 0
