"""What a new master makes of what the old one left: each process ended, each nano-dollar accounted for."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from koubou.folders.layout import Layout
from koubou.folders.shelve import open_run
from koubou.journal import Journal
from koubou.master.child import boot_id, start_time
from koubou.master.recover import OldCrew, lost_worker, lost_workers
from koubou.model.status import ParkReason, Status
from koubou.model.worker import WorkerIdentity
from koubou.wire.record import Record
from koubou.worker.leave_record import leave_record
from tests.builders import a_new_task, a_result, a_tier
from tests.turns import Workshop

WORKER = "worker-of-medium"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(home=str(tmp_path / "home"))
    layout.ensure()
    return layout


def a_worker(**changes: object) -> WorkerIdentity:
    identity = WorkerIdentity(id=WORKER, tier="medium", pid=os.getpid(), born=1, boot=boot_id())
    return replace(identity, **changes)  # type: ignore[arg-type]


def left_at_work(worker: WorkerIdentity | None = None, **task: object) -> Workshop:
    """A workshop whose master died right after the commit that gave its task to a worker."""
    shop = Workshop()
    shop.board.crew.hired(worker or a_worker(), a_tier(), shop.now)
    shop.drop(a_new_task(**task))
    shop.benches = ()
    return shop


def folder_of(layout: Layout) -> str:
    return open_run(layout, "a-task", 1, "prompt: x\n")


def test_a_run_that_no_worker_began_gives_its_money_back(layout: Layout) -> None:
    shop = left_at_work()
    assert shop.month().held > 0
    shop.turn(*lost_workers(shop.board, layout))
    assert (shop.month().held, shop.month().settled) == (0, 0)
    assert shop.task().status is Status.PENDING
    assert shop.board.crew.alive() == []


def test_a_run_that_was_begun_before_the_board_knew_is_paid_for(layout: Layout) -> None:
    """The assignment went out, and the master died before it could note that."""
    shop = left_at_work()
    held = shop.month().held
    folder_of(layout)
    shop.turn(*lost_workers(shop.board, layout))
    month = shop.month()
    assert (month.held, month.settled, month.unreconciled) == (0, held, held)
    assert shop.task().interruptions == 0


def test_after_a_reboot_no_folder_tells_that_nothing_was_begun(layout: Layout) -> None:
    shop = left_at_work(a_worker(boot="another"))
    held = shop.month().held
    shop.turn(*lost_workers(shop.board, layout))
    assert shop.month().settled == held


def test_what_must_not_run_twice_is_held_when_it_may_have_begun(layout: Layout) -> None:
    shop = left_at_work(on_interrupt="hold")
    folder_of(layout)
    shop.turn(*lost_workers(shop.board, layout))
    park = shop.task().park
    assert park is not None
    assert park.reason is ParkReason.INTERRUPTED


def test_a_record_that_was_left_ends_the_task_and_costs_what_it_says(layout: Layout) -> None:
    shop = left_at_work()
    result = a_result("a-task", 1, shop.run().call)
    leave_record(folder_of(layout), Record(result=result, answer="four"))
    shop.turn(*lost_workers(shop.board, layout))
    assert shop.task().outcome is Status.COMPLETED
    assert shop.month().settled == 20 * 1_000 + 50 * 10_000


@pytest.mark.parametrize("damage", [b"", b"{", b'{"result": 1}'])
def test_a_record_that_is_not_whole_or_of_another_call_does_not_count(layout: Layout, damage: bytes) -> None:
    shop = left_at_work()
    held = shop.month().held
    folder = folder_of(layout)
    if damage:
        Path(folder, "result.json").write_bytes(damage)
    else:
        leave_record(folder, Record(result=a_result("a-task", 1, "another call"), answer="four"))
    shop.turn(*lost_workers(shop.board, layout))
    assert shop.month().settled == held
    assert shop.task().outcome is None


def test_who_lives_is_waited_for_and_nobody_else_waits(layout: Layout) -> None:
    shop = left_at_work()
    shop.board.crew.hired(a_worker(id="another"), a_tier(), shop.now)
    shop.turn(*lost_workers(shop.board, layout, but=[WORKER]))
    assert [worker.id for worker in shop.board.crew.alive()] == [WORKER]
    assert shop.month().held > 0
    assert shop.task().status is Status.ASSIGNED, "its worker may still bring the answer"
    shop.turn(*lost_worker(shop.board, layout, WORKER))
    assert (shop.month().held, shop.task().status) == (0, Status.PENDING)


STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
sys.stdin.read()
"""
DOCILE = STUBBORN.replace("signal.SIG_IGN", "signal.SIG_DFL")


@pytest.fixture
def processes() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started = []

    def start(program: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_an_old_worker_that_lives_is_ended_and_a_stranger_with_its_number_is_not(
    processes: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    stubborn, docile, stranger = processes(STUBBORN), processes(DOCILE), processes(DOCILE)
    journal = Journal(stream=io.StringIO())
    crew = [
        a_worker(id="stubborn", pid=stubborn.pid, born=start_time(stubborn.pid)),
        a_worker(id="docile", pid=docile.pid, born=start_time(docile.pid)),
        a_worker(id="stranger", pid=stranger.pid, born=(start_time(stranger.pid) or 0) - 5),
        a_worker(id="other boot", pid=stranger.pid, born=start_time(stranger.pid), boot="another"),
        a_worker(id="gone", pid=2**22 - 1, born=5),
    ]
    told: list[str] = []

    async def end() -> None:
        over = asyncio.Event()

        def gone(worker: str) -> None:
            told.append(worker)
            if len(told) == 2:
                over.set()

        # A tenth of a second of grace in all: then whoever is left is killed.
        assert OldCrew(journal, gone=gone).end(crew, grace=-900) == ("stubborn", "docile")
        await asyncio.wait_for(over.wait(), 10)

    asyncio.run(end())
    journal.close()
    assert told == ["docile", "stubborn"], "each is told of when it has ended"
    assert (docile.wait(5), stubborn.wait(5)) == (-signal.SIGTERM, -signal.SIGKILL)
    assert stranger.poll() is None
