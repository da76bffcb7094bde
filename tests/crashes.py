"""Dying at durable steps, one after the other, as by kill -9, and what must hold after each: for the files of the way.

One workshop goes through all of them: the next death finds what the last one left. What is dropped is new each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from simulator import Simulator
from workshop import Workshop

from koubou.crash import PERMISSION, TOLD, WISH

MASTERS_OWN = ("turn.", "deeds.", "notice.", "notification.", "recovery.")
BETWEEN_HOLD_AND_ANSWER = ("deeds.sent", "worker.", "record.")
"""Where nobody can know whether the provider was asked, or what it billed: the whole hold counts. Who dies with a
record left knows of that call, and takes along others that he has under way.
"""


@contextmanager
def a_mortal_workshop() -> Iterator[Workshop]:
    """A workshop at work, of which somebody dies wherever `arm` says."""
    with Simulator() as provider, Workshop(provider) as workshop:
        workshop.environment |= {PERMISSION: str(workshop.folder), WISH: TOLD}
        yield workshop.start()


def arm(workshop: Workshop, point: str) -> None:
    """From now on: die there, once."""
    wish, mark = workshop.folder / "crash_at", workshop.folder / "crashed"
    wish.unlink(missing_ok=True)  # first, or somebody could die of the last one again
    mark.unlink(missing_ok=True)
    draft = workshop.folder / "crash_at.draft"
    draft.write_text(point)
    draft.rename(wish)


def drop(workshop: Workshop, about: str) -> set[str]:
    """A file with several documents, and many with one; the ids of their tasks."""
    about = about.replace(".", "-").replace("_", "-")
    home = [f"{about}-home-{number}" for number in range(3)]
    cloud = [f"{about}-cloud-{number}" for number in range(5)]
    documents = [{"id": task, "prompt": f"I am {task}.", "tier": "local"} for task in home]
    files = {f"{task}.yaml": {"id": task, "prompt": f"I am {task}.", "tier": "gpt5_medium"} for task in cloud}
    workshop.drop_all({f"{about}.yaml": documents, **files})
    return {*home, *cloud}


def wait_for_the_crash(workshop: Workshop, point: str) -> None:
    """Somebody has died there; when it was the master, another one takes over."""
    mark = workshop.folder / "crashed"
    # The mark is there a moment before its text.
    workshop.wait_until(lambda: mark.exists() and mark.read_text(), f"somebody to die at {point}", within=60)
    victim, process = int(mark.read_text()), workshop.process
    assert process is not None
    if point.startswith(MASTERS_OWN):
        assert victim == process.pid
        assert workshop.exit_code() == -9
        workshop.start()
    else:
        assert victim != process.pid
        assert process.poll() is None, "the master goes on"


def unknown(workshop: Workshop) -> int:
    """By how much the ledger stands above the provider's bill, in nano-dollars; never below."""
    workshop.wait_until(lambda: not workshop.provider.bill()["in_flight"], "every call to be billed")
    months = "SELECT sum(settled) FROM account WHERE dimension = 'usd' AND name GLOB 'month:*'"
    above: int = workshop.sql(months)[0][0] - workshop.provider.bill()["nusd"]
    assert above >= 0
    return above


def the_promises_hold(workshop: Workshop, tasks: set[str], point: str, unknown_before: int) -> None:
    """Each of these tasks has its one answer, and nothing of anybody is left lying, running, held or unpaid."""
    workshop.wait_until(lambda: workshop.completed >= tasks, f"the answers of {point}", within=60)
    workshop.wait_until(lambda: set(workshop.counts()) == {"completed"}, "rest")
    assert (workshop.failed, workshop.rejected) == (set(), set())
    workshop.wait_until(lambda: not workshop.waiting_files, "no file to be left")
    known = Counter(task for (task,) in workshop.sql("SELECT id FROM task"))
    assert known == dict.fromkeys(workshop.completed, 1), "each document is one task, and each task is filed"
    ends = Counter(
        task
        for (task,) in workshop.sql(
            "SELECT t.id FROM history h JOIN task t ON t.seq = h.task WHERE h.event = 'task.completed'"
        )
    )
    assert ends == known, "each result is recorded once"
    assert workshop.sql("SELECT name FROM account WHERE held != 0") == []
    assert workshop.sql("SELECT COUNT(*) FROM run WHERE ended_at IS NULL") == [(0,)]
    if not point.startswith(BETWEEN_HOLD_AND_ANSWER):
        assert unknown(workshop) == unknown_before, "every call's outcome is known"


def die_at(point: str, workshop: Workshop) -> None:
    """Somebody dies there with tasks of all kinds on their way, and every promise holds."""
    before = unknown(workshop)
    workshop.reload()  # nobody waits longer because of the last death
    workshop.provider.behave(latency_ms=20)
    arm(workshop, point)
    tasks = drop(workshop, point)
    wait_for_the_crash(workshop, point)
    the_promises_hold(workshop, tasks, point, before)
