"""Dying at a durable step, once, as by kill -9, and what must hold after it: for the files that go through them."""

from __future__ import annotations

from collections import Counter

from simulator import Simulator
from workshop import OpenWorkshop, Workshop

from koubou.crash import PERMISSION, WISH

CLOUD = {f"cloud-{number}" for number in range(5)}
HOME = {f"home-{number}" for number in range(3)}
ALL = CLOUD | HOME
MASTERS_OWN = ("turn.", "deeds.", "notice.", "recovery.")
BETWEEN_HOLD_AND_ANSWER = ("deeds.sent", "worker.", "record.")
"""Where nobody can know whether the provider was asked, or what it billed: the whole hold counts. Who dies with a
record left knows of that call, and takes along others that he has under way.
"""


def arm(workshop: Workshop, point: str) -> None:
    """From the next start on: die there, once."""
    workshop.environment[PERMISSION] = str(workshop.folder)
    workshop.environment[WISH] = point


def drop(workshop: Workshop) -> None:
    """A file with several documents, and many with one."""
    documents = [{"id": task, "prompt": f"I am {task}.", "tier": "local"} for task in sorted(HOME)]
    files = {f"{task}.yaml": {"id": task, "prompt": f"I am {task}.", "tier": "gpt5_medium"} for task in sorted(CLOUD)}
    workshop.drop_all({"several.yaml": documents, **files})


def wait_for_the_crash(workshop: Workshop, point: str) -> None:
    """Somebody has died there; when it was the master, another one takes over."""
    mark = workshop.folder / "crashed"
    workshop.wait_until(mark.exists, f"somebody to die at {point}", within=60)
    victim, process = int(mark.read_text() or "0"), workshop.process
    assert process is not None
    if point.startswith(MASTERS_OWN):
        assert victim == process.pid
        assert workshop.exit_code() == -9
        workshop.start()
    else:
        assert victim != process.pid
        assert process.poll() is None, "the master goes on"


def the_promises_hold(workshop: Workshop, provider: Simulator, point: str) -> None:
    workshop.wait_for_ends(len(ALL))
    assert workshop.completed == ALL, workshop.told()
    assert (workshop.failed, workshop.rejected) == (set(), set())
    workshop.wait_until(lambda: not workshop.waiting_files, "no file to be left")
    known = [task for (task,) in workshop.sql("SELECT id FROM task")]
    assert sorted(known) == sorted(ALL), "each document is one task"
    ends = Counter(
        task
        for (task,) in workshop.sql(
            "SELECT t.id FROM history h JOIN task t ON t.seq = h.task WHERE h.event = 'task.completed'"
        )
    )
    assert set(ends.values()) == {1}, "each result is recorded once"
    assert workshop.held() == {}
    assert workshop.sql("SELECT COUNT(*) FROM run WHERE ended_at IS NULL") == [(0,)]
    bill, month = provider.bill(), workshop.month()
    assert month["settled_nusd"] >= bill["nusd"]
    if not point.startswith(BETWEEN_HOLD_AND_ANSWER):
        assert month["settled_nusd"] == bill["nusd"], "every call's outcome is known"
        assert month["unreconciled_usd"] == 0


def die_at(point: str, open_workshop: OpenWorkshop, provider: Simulator) -> None:
    """Somebody dies there with tasks of all kinds on their way, and every promise holds."""
    provider.behave(latency_ms=20)
    workshop = open_workshop()
    arm(workshop, point)
    workshop.start()
    drop(workshop)
    wait_for_the_crash(workshop, point)
    the_promises_hold(workshop, provider, point)
