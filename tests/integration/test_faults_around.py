"""What real machines do to a workshop: a foreign hand on its board, folders that vanish, no descriptors, no room."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from rehearsing import a_rehearsal, drop
from workshop import Workshop

from koubou.master.supervision import memory_of

NO_MASTER = 69


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    with a_rehearsal() as workshop:
        yield workshop.start()


def all_is_well(workshop: Workshop, count: int) -> None:
    """So many answers, no money held, a board that is whole."""
    workshop.wait_for_ends(count)
    assert workshop.completed == {f"t{n}" for n in range(count)}
    assert workshop.held() == {}
    checked = workshop.koubou("board", "check")
    assert checked.returncode == 0, checked.stdout
    assert workshop.process is not None
    assert workshop.process.poll() is None


@contextmanager
def a_foreign_lock(workshop: Workshop) -> Iterator[None]:
    """What `sqlite3 koubou.db` with an open BEGIN IMMEDIATE does."""
    with closing(sqlite3.connect(workshop.home / "board/koubou.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield
        foreign.execute("ROLLBACK")


def test_while_somebody_else_holds_the_board_the_master_waits_and_tells_and_loses_nothing(workshop: Workshop) -> None:
    drop(workshop, 0, 5)
    workshop.wait_for_ends(5)
    with a_foreign_lock(workshop):
        drop(workshop, 5, 20)
        fault = workshop.wait_for_event("board.fault", within=10)
        assert "locked" in fault["reason"]
        workshop.signal(signal.SIGHUP)  # new settings, while nothing can be written
        workshop.wait_for_event("system.reloaded", within=10)
        workshop.wait_until(lambda: len(list(workshop.events("board.fault"))) >= 4, "the fault to last", within=20)
        assert workshop.koubou("status").returncode == 0  # who only reads is not disturbed
        assert len(workshop.completed) == 5
    all_is_well(workshop, 25)
    assert workshop.stop() == 0


def test_a_master_can_be_stopped_while_somebody_else_holds_the_board(workshop: Workshop) -> None:
    with a_foreign_lock(workshop):
        drop(workshop, 0, 3)
        workshop.wait_for_event("board.fault", within=10)
        workshop.stop_twice(within=20)
    workshop.start()
    all_is_well(workshop, 3)


def test_a_long_look_of_somebody_else_disturbs_nobody(workshop: Workshop) -> None:
    with closing(sqlite3.connect(workshop.home / "board/koubou.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN")
        foreign.execute("SELECT COUNT(*) FROM task").fetchone()
        drop(workshop, 0, 20)
        workshop.wait_for_ends(20)
        assert foreign.execute("SELECT COUNT(*) FROM task").fetchone()[0] == 0
    assert list(workshop.events("board.fault")) == []
    all_is_well(workshop, 20)


def test_the_drop_folder_may_be_removed_and_is_made_again(workshop: Workshop) -> None:
    drop(workshop, 0, 5)
    workshop.wait_for_ends(5)
    with suppress(OSError):  # the hands may be making it again meanwhile
        shutil.rmtree(workshop.home / "tasks")
    shelves = [workshop.home / "tasks" / name for name in ("in_progress", "completed", "failed", "rejected")]
    workshop.wait_until(lambda: all(shelf.is_dir() for shelf in shelves), "the folders to be made again")
    drop(workshop, 5, 5)
    workshop.wait_until(lambda: workshop.completed == {f"t{n}" for n in range(5, 10)}, "the next to be done")
    missing = workshop.koubou("board", "check")
    assert missing.returncode == 1
    assert "completed/t0" in missing.stdout
    assert workshop.stop() == 0


@contextmanager
def unchangeable(folder: Path) -> Iterator[None]:
    """Nobody may make, rename or remove anything in a folder, root neither."""
    forbid, permit = (["chattr", "+i"], ["chattr", "-i"]) if os.geteuid() == 0 else (["chmod", "a-w"], ["chmod", "u+w"])
    if shutil.which(forbid[0]) is None or subprocess.run([*forbid, str(folder)], capture_output=True).returncode:
        pytest.skip("nothing here forbids root to write")
    try:
        yield
    finally:
        subprocess.run([*permit, str(folder)], check=True)


def test_a_drop_folder_that_may_not_be_written_is_told_and_its_files_are_taken_later(workshop: Workshop) -> None:
    drop(workshop, 0, 3)
    workshop.wait_for_ends(3)
    drafts = {f"{n}.yaml": f"{{id: t{n}, prompt: Number {n}}}" for n in range(3, 6)}
    workshop.signal(signal.SIGSTOP)
    for child in psutil.Process(workshop.process.pid if workshop.process else 0).children(recursive=True):
        child.suspend()
    workshop.drop_all(drafts)
    with unchangeable(workshop.home / "tasks"):
        for child in psutil.Process(workshop.process.pid if workshop.process else 0).children(recursive=True):
            child.resume()
        workshop.signal(signal.SIGCONT)
        stuck = workshop.wait_for_event("intake.stuck", within=20)
        assert stuck["level"] == "error"
        assert workshop.waiting_files
    all_is_well(workshop, 6)


def test_a_shelf_that_may_not_be_written_is_told_and_filled_later(workshop: Workshop) -> None:
    with unchangeable(workshop.home / "tasks/completed"):
        drop(workshop, 0, 3)
        fault = workshop.wait_for_event("shelving.fault", within=20)
        assert fault["level"] == "error"
        assert workshop.counts().get("completed", 0) == 0
    all_is_well(workshop, 3)


def test_a_board_that_may_not_be_written_is_refused_without_a_traceback(workshop: Workshop) -> None:
    drop(workshop, 0, 1)
    workshop.wait_for_ends(1)
    assert workshop.stop() == 0
    board = workshop.home / "board"
    with unchangeable(board), unchangeable(board / "koubou.db"):
        workshop.launch()
        assert workshop.exit_code() == NO_MASTER
        said = (workshop.folder / "stderr").read_text()
        assert "the board cannot be opened" in said
        assert "Traceback" not in said
        assert workshop.koubou("list").returncode == 0
    workshop.start()
    all_is_well(workshop, 1)


def take_descriptors(process: psutil.Process) -> None:
    """Let a process open no file more than it has: the lowest number that is free is beyond its limit."""
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    lowest = next(number for number in range(most) if number not in taken)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest, most))


def give_descriptors(process: psutil.Process) -> None:
    """Let a process open as many as it could at first."""
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))


def test_a_master_without_descriptors_goes_on_where_it_was_once_it_has_some(workshop: Workshop) -> None:
    drop(workshop, 0, 5)
    workshop.wait_for_ends(5)
    assert workshop.process is not None
    master = psutil.Process(workshop.process.pid)
    everybody = [master, *master.children(recursive=True)]
    for process in everybody:
        take_descriptors(process)
    drop(workshop, 5, 20)
    workshop.koubou("status", within=60)  # it may not be answered, and nothing may break of it
    faults = ("intake.fault", "shelving.fault", "board.fault", "worker.lost", "hand.lost", "intake.stuck")
    workshop.wait_until(
        lambda: any(line["event"] in faults for line in workshop.lines), "somebody to feel it", within=30
    )
    for process in everybody:
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            give_descriptors(process)
    all_is_well(workshop, 25)
    assert workshop.koubou("status").returncode == 0
    assert workshop.stop() == 0


def test_the_memory_of_a_worker_can_be_asked_for_also_without_descriptors() -> None:
    myself = psutil.Process()
    assert 0.5 < memory_of(myself.pid) / myself.memory_info().rss < 2
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, most))
    try:
        assert memory_of(myself.pid) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


@pytest.fixture
def a_small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB of our own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("only root may mount a small disk, and not everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take every byte that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_on_a_full_disk_nothing_is_lost_of_tasks_results_and_answers(a_small_disk: Path) -> None:
    script = a_small_disk / "script.yaml"
    del script
    with a_rehearsal(under=a_small_disk, intake={"min_free_disk": 0}) as workshop:
        workshop.start()
        drop(workshop, 0, 5)
        workshop.wait_for_ends(5)
        drafts = {f"{n}.yaml": f"{{id: t{n}, prompt: Number {n}}}" for n in range(5, 25)}
        for name, text in drafts.items():
            (workshop.folder / name).write_text(text)
        ballast = fill(a_small_disk)
        for name in drafts:
            (workshop.folder / name).rename(workshop.home / "tasks" / name)
        faults = ("board.fault", "shelving.fault", "intake.fault")
        workshop.wait_until(
            lambda: any(line["event"] in faults for line in workshop.lines), "the full disk to be told", within=30
        )
        assert workshop.process is not None
        assert workshop.process.poll() is None
        ballast.unlink()
        all_is_well(workshop, 25)
        assert workshop.failed == set()
        assert workshop.stop() == 0


def test_a_full_disk_while_answers_come_costs_none_of_them(a_small_disk: Path) -> None:
    with a_rehearsal(under=a_small_disk, intake={"min_free_disk": 0}) as workshop:
        workshop.start()
        drop(workshop, 0, 40)
        ballast = fill(a_small_disk)
        workshop.wait_until(
            lambda: any(line["event"].endswith(".fault") for line in workshop.lines),
            "the full disk to be told",
            within=30,
        )
        ballast.unlink()
        all_is_well(workshop, 40)
        runs = workshop.sql(
            "SELECT t.id, COUNT(*) FROM ledger l JOIN task t ON t.id = l.task WHERE kind = 'settle' GROUP BY t.id"
        )
        assert {count for _, count in runs} == {1}  # nobody was paid twice
        assert workshop.stop() == 0
