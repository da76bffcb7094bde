"""The crew: who crashes is not started in a rush, who cannot serve halts his tier, who is idle goes home."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Any

import psutil
import pytest
from workshop import Workshop, words_of

OpenRehearsal = Callable[..., Workshop]


def a_tier(**changes: Any) -> dict[str, Any]:
    """A free tier that rehearses."""
    free = {"reach": "local", "executor": "rehearsal", "price": {"input": 0, "output": 0}, "workers": {"max": 1}}
    return {**free, **changes}


@pytest.fixture
def rehearse() -> Iterator[OpenRehearsal]:
    """Opens a workshop with these tiers; the first one is everybody's."""
    with ExitStack() as stack:

        def make(tiers: Mapping[str, Any], **changes: Any) -> Workshop:
            first = next(iter(tiers))
            routing = {"high": first, "medium": first, "low": first}
            workshop = Workshop(None, tiers=dict(tiers), routing=routing, **changes)
            return stack.enter_context(workshop).start()

        yield make


def workers(workshop: Workshop) -> list[psutil.Process]:
    found = []
    for each in workshop.notice_processes():
        with suppress(psutil.NoSuchProcess):
            if "koubou.worker" in words_of(each):
                found.append(each)
    return found


def at(line: Mapping[str, Any]) -> float:
    """When a line was said, in seconds."""
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def test_a_worker_that_dies_at_once_is_started_again_ever_more_slowly(rehearse: OpenRehearsal) -> None:
    workshop = rehearse({"local": a_tier()})
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    for number in (1, 2):
        started = workshop.wait_until(
            lambda n=number: len(found := list(workshop.events("worker.started"))) == n and found[-1],
            f"worker {number} to be started",
            every=0.002,
        )
        psutil.Process(started["pid"]).kill()
        workshop.wait_until(lambda n=number: len(list(workshop.events("worker.lost"))) == n, "its loss to be told")
        if (workshop.home / "tasks/completed/a").exists():
            pytest.skip("the worker was quicker than the kill")
    assert "SIGKILL" in next(workshop.events("worker.lost"))["reason"]
    assert workshop.output("a")["attempts"] >= 1
    begun = [at(line) for line in workshop.events("worker.started")]
    lost = [at(line) for line in workshop.events("worker.lost")]
    waits = [later - earlier for earlier, later in zip(lost, begun[1:], strict=True)]
    assert all(wait >= least for wait, least in zip(waits, (0.95, 1.95), strict=True)), waits
    assert len(begun) == 3


def test_a_tier_whose_worker_cannot_serve_is_halted_and_its_tasks_go_elsewhere_or_say_why(
    rehearse: OpenRehearsal,
) -> None:
    script = "/nonexistent/script.yaml"
    tiers = {
        "broken": a_tier(script=script, fallback="spare"),
        "spare": a_tier(),
        "alone": a_tier(script=script),
    }
    workshop = rehearse(tiers)
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    output = workshop.output("a")
    assert output["tier"] == "spare"
    assert any(script in each["reason"] for each in output["route"]), output["route"]
    workshop.drop("b.yaml", {"id": "b", "prompt": "Hello", "tier": "alone"})
    shown = workshop.wait_for_park("b", "tier")
    assert script in shown["park"]["reason"] + shown["park"].get("detail", "") + str(shown["history"])
    assert {line["tier"] for line in workshop.events("tier.degraded")} == {"broken", "alone"}
    # One try of each is enough: what cannot serve is not asked again until somebody has mended it.
    assert len(list(workshop.events("worker.started", tier="broken"))) == 1
    assert len(list(workshop.events("worker.started", tier="alone"))) == 1
    assert workshop.status()["tiers"]["alone"]["unfit"]

    workshop.settings["tiers"]["alone"] = a_tier()
    workshop.reload()
    assert workshop.output("b")["tier"] == "alone"


def test_who_has_nothing_to_do_is_sent_home_and_the_least_crew_stays(rehearse: OpenRehearsal) -> None:
    workshop = rehearse(
        {"local": a_tier(), "kept": a_tier(workers={"min": 1, "max": 2})},
        workers={"idle_timeout": "200ms", "drain_timeout": "5s", "orphan_grace": "2s"},
    )
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    workshop.output("a")
    retired = workshop.wait_for_event("worker.retired", tier="local")
    assert retired["level"] == "info"
    workshop.wait_until(lambda: len(workers(workshop)) == 1, "only the least crew to be there")
    assert [line["tier"] for line in workshop.events("worker.retired")] == ["local"]
    rows = workshop.sql("SELECT worker_type, status FROM workers ORDER BY worker_type")
    assert rows == [("kept", "idle"), ("local", "offline")]
    # The next task gets a new worker, at once and without a wait for a crash that was none.
    workshop.drop("b.yaml", {"id": "b", "prompt": "Hello"})
    assert workshop.output("b")["attempts"] == 1


def test_a_worker_killed_with_nothing_under_way_costs_nobody_a_try(rehearse: OpenRehearsal) -> None:
    workshop = rehearse({"local": a_tier(workers={"min": 1, "max": 1})})
    (worker,) = workshop.wait_until(lambda: workers(workshop), "the least crew to be there")
    worker.kill()
    workshop.wait_for_event("worker.lost", within=2)
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    assert workshop.output("a")["attempts"] == 1
    assert [line["event"] for line in workshop.show("a")["history"]].count("task.retried") == 0


def test_a_worker_that_hangs_leaves_its_stack_in_the_journal_and_its_task_is_done_by_another(
    rehearse: OpenRehearsal,
) -> None:
    workshop = rehearse(
        {"local": a_tier(script=None, workers={"min": 1, "max": 1})}, workers={"hang_after": "6s", "orphan_grace": "2s"}
    )
    started = workshop.wait_until(lambda: next(workshop.events("worker.started"), None), "a worker to be started")
    workshop.drop("warm.yaml", {"id": "warm", "prompt": "Hello"})
    workshop.output("warm")
    os.kill(started["pid"], signal.SIGSTOP)
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    hanging = workshop.wait_until(lambda: next(workshop.events("worker.hanging"), None), "it to be noticed")
    assert hanging["worker"] == started["worker"]
    os.kill(started["pid"], signal.SIGCONT)  # so that the signal that asks for its stack can be heard
    lost = workshop.wait_until(lambda: next(workshop.events("worker.lost"), None), "its end")
    assert "hung" in lost["reason"]
    assert any("asyncio" in line for line in lost["stack"]), lost
    assert not any("Hello" in line for line in lost["stack"])
    assert workshop.output("a")["attempts"] >= 1


def test_a_worker_that_hangs_before_it_is_ready_is_ended_and_another_one_works(rehearse: OpenRehearsal) -> None:
    workshop = rehearse({"local": a_tier(script=None, workers={"max": 1})}, workers={"hang_after": "6s"})
    workshop.drop("a.yaml", {"id": "a", "prompt": "Hello"})
    started = workshop.wait_until(lambda: next(workshop.events("worker.started"), None), "a worker to be started")
    os.kill(started["pid"], signal.SIGSTOP)
    assert workshop.output("a")["attempts"] == 1
    (hanging,) = workshop.events("worker.hanging")
    assert hanging["worker"] == started["worker"]


def test_a_worker_is_replaced_after_so_many_runs(rehearse: OpenRehearsal) -> None:
    workshop = rehearse({"local": a_tier()}, workers={"max_runs": 5, "idle_timeout": "60s"})
    for number in range(14):
        workshop.drop(f"t{number}.yaml", {"id": f"t{number}", "prompt": "Hello"})
        workshop.output(f"t{number}")
    replaced = workshop.wait_until(lambda: next(workshop.events("worker.replaced"), None), "the first to be replaced")
    assert "runs" in replaced["reason"]
    workshop.drop("after.yaml", {"id": "after", "prompt": "Hello"})
    workshop.output("after")
    assert list(workshop.events("worker.started"))[-1]["worker"] != replaced["worker"]
