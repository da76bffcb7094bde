"""A master that is killed at work loses nothing, does nothing twice, and forgets no money."""

from __future__ import annotations

from collections import Counter

import psutil
from simulator import Simulator
from workshop import Workshop

TASKS = {f"task-{number}" for number in range(50)}


def test_after_kill_nine_each_task_ends_exactly_once(workshop: Workshop, provider: Simulator) -> None:
    provider.behave(latency_ms=600)
    workshop.drop_all(
        {f"{task}.yaml": {"id": task, "prompt": f"I am {task}.", "tier": "gpt5_high"} for task in sorted(TASKS)}
    )
    workshop.wait_until(lambda: len(workshop.completed) >= 8, "some tasks to be done")
    workshop.notice_processes()
    workshop.kill()
    done_before = workshop.completed
    assert len(done_before) < 50

    workshop.start()
    workshop.wait_for_ends(50)
    assert workshop.completed == TASKS
    assert workshop.failed == set()
    # What was filed before, what was on the wire, and what had not begun.
    for task in {*sorted(done_before)[:4], *sorted(TASKS - done_before)[::8]}:
        history = Counter(line["event"] for line in workshop.show(task)["history"])
        assert (history["task.completed"], history["task.failed"]) == (1, 0), task
    assert workshop.held() == {}
    assert workshop.month()["settled_nusd"] >= provider.bill()["nusd"]
    # Done is done: what was filed before the kill was not asked again.
    asked = Counter(task for each in provider.requests() for task in TASKS if f"I am {task}." in each["body"])
    assert {task: asked[task] for task in done_before if asked[task] != 1} == {}


def test_no_worker_outlives_a_killed_master_by_more_than_its_leash(workshop: Workshop, provider: Simulator) -> None:
    provider.behave(latency_ms=300)
    workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": "Hello", "tier": "gpt5_high"} for n in range(4)})
    workshop.wait_until(lambda: provider.bill()["in_flight"], "calls under way")
    crew = [each for each in workshop.notice_processes() if workshop.process and each.pid != workshop.process.pid]
    assert crew
    workshop.kill()
    _, alive = psutil.wait_procs(crew, timeout=12)
    assert alive == []


def test_a_killed_worker_is_replaced_and_its_tasks_end(workshop: Workshop, provider: Simulator) -> None:
    provider.behave(latency_ms=500)
    workshop.drop_all({f"{n}.yaml": {"id": f"t{n}", "prompt": "Hello", "tier": "gpt5_high"} for n in range(4)})
    workshop.wait_until(lambda: provider.bill()["in_flight"], "calls under way")
    crew = [each for each in workshop.notice_processes() if workshop.process and each.pid != workshop.process.pid]
    for worker in crew:
        worker.kill()
    workshop.wait_for_event("worker.lost", within=2)
    workshop.wait_for_ends(4)
    assert workshop.completed == {f"t{n}" for n in range(4)}
    assert workshop.held() == {}
    assert workshop.month()["settled_nusd"] >= provider.bill()["nusd"]


def test_a_file_claimed_by_a_killed_master_is_not_lost(workshop: Workshop) -> None:
    """The kill comes while a thousand files are being taken in; each becomes exactly one task."""
    names = {f"claim-{number}" for number in range(1000)}
    workshop.drop_all({f"{name}.yaml": f"id: {name}\nprompt: Hello\ntier: local\n" for name in sorted(names)})
    workshop.wait_until(lambda: len(workshop.waiting_files) < 900, "some files to be taken", every=0.001)
    workshop.kill()
    workshop.start()
    workshop.wait_until(lambda: not workshop.waiting_files, "all files to be taken")
    workshop.wait_until(
        lambda: {task for (task,) in workshop.sql("SELECT task_id FROM task_master")} == names, "each to be a task"
    )
    assert workshop.rejected == set()
