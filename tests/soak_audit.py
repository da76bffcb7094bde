"""What must hold once a storm is over: of every file, every task, every nano-dollar and every process."""

from __future__ import annotations

import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soak import SECRET, Storm

ENDS = ("completed", "failed", "cancelled")
WAITS_FOR_A_PERSON = ("operator", "interrupted", "dependency", "budget", "secrecy")
FAULTS = ("task.fault", "control.fault", "intake.fault", "board.fault", "shelving.fault", "hand.fault", "worker.stuck")


MOVING = f"""
SELECT COUNT(*) FROM task t WHERE status NOT IN {ENDS} AND (
    outcome IS NOT NULL OR coalesce(park, '') NOT IN {WAITS_FOR_A_PERSON} OR park = 'dependency' AND NOT EXISTS (
        SELECT 1 FROM dependency d LEFT JOIN task n ON n.id = d.needs COLLATE NOCASE
        WHERE d.task = t.seq AND coalesce(n.status, '') NOT IN {ENDS}))
"""
"""Tasks that will go on by themselves."""


def wait_for_rest(storm: Storm, within: float = 240) -> None:
    """Nothing is under way, and whoever waits, waits for a person or for what will never come."""
    workshop = storm.workshop

    def rests() -> bool:
        under_way = _files_left(storm) or storm.provider.bill()["in_flight"]
        return not under_way and workshop.sql(MOVING)[0][0] == 0

    workshop.wait_until(rests, "the workshop to rest", within, every=0.3)


def _files_left(storm: Storm) -> list[str]:
    return [each.name for each in (storm.workshop.home / "tasks").iterdir() if each.is_file()]


def complaints(storm: Storm) -> list[str]:
    """Everything that is not as promised."""
    return [*_files(storm), *_tasks(storm), *_money(storm), *_secrets(storm), *_processes(storm), *_journal(storm)]


def _files(storm: Storm) -> Iterator[str]:
    workshop = storm.workshop
    became: dict[str, Counter[str]] = defaultdict(Counter)
    repeated: dict[str, set[str]] = defaultdict(set)
    history = "SELECT t.id, h.event, h.reason FROM history h JOIN task t ON t.seq = h.task"
    for task, event, reason in workshop.sql(f"{history} WHERE h.event IN ('task.enqueued', 'task.duplicate')"):
        if event == "task.enqueued":
            became[reason.removeprefix("from ")][task] += 1
        else:
            repeated[re.sub(r"^the same again in (.*); one task is enough$", r"\1", reason)].add(task)
    made = Counter(task for tasks in became.values() for task in tasks.elements())
    for name, tasks in storm.files.items():
        for task in tasks:
            if became[name][task] != (task not in repeated[name]):
                yield f"{name}: {task} was enqueued {became[name][task]} times, repeated: {task in repeated[name]}"
            if made[task] != 1:
                yield f"{task} is {made[task]} tasks"
    strangers = set(made) - set(storm.prompts)
    if strangers:
        yield f"tasks that nobody dropped: {sorted(strangers)}"
    rejected = workshop.rejected
    if rejected != storm.bad:
        yield f"rejected but good: {sorted(rejected - storm.bad)}; bad and not rejected: {sorted(storm.bad - rejected)}"
    for name in storm.bad:
        if not os.path.lexists(workshop.home / "tasks" / "rejected" / name):
            yield f"{name} does not lie beside its error"
    if left := _files_left(storm):
        yield f"left in tasks/: {left}"


def _tasks(storm: Storm) -> Iterator[str]:
    workshop = storm.workshop
    shelf = {"completed": workshop.completed, "failed": workshop.failed}
    if both := shelf["completed"] & shelf["failed"]:
        yield f"both completed and failed: {sorted(both)}"
    events: dict[str, Counter[str]] = defaultdict(Counter)
    history = "SELECT t.id, h.event FROM history h JOIN task t ON t.seq = h.task"
    for task, event in workshop.sql(history):
        events[task][event] += 1
    columns = "id, status, park, park_detail, waiting, outcome, sensitivity"
    for task, status, park, detail, waiting, outcome, _ in workshop.sql(f"SELECT {columns} FROM task"):
        where = f"{task} ({status}, waits for {waiting}, {park}: {detail}, outcome {outcome})"
        if status in ENDS:
            on = "completed" if status == "completed" else "failed"
            if task not in shelf[on]:
                yield f"{where} does not stand in {on}/"
            if (workshop.home / "tasks" / "in_progress" / task).exists():
                yield f"{where} stands in in_progress/ too"
        elif not (status == "pending" and park and detail):
            yield f"{where} has neither ended nor a reason to wait"
        results = events[task]["task.completed"]
        if results != (status == "completed"):
            yield f"{where} has {results} results"
    for task in shelf["completed"] - set(storm.rolls):
        answer = workshop.output(task)["answer"]
        if answer != storm.prompts[task] and not events[task]["task.finished"]:
            yield f"{task} was answered with {answer[:80]!r}"


def _money(storm: Storm) -> Iterator[str]:
    if held := storm.workshop.held():
        yield f"still held: {held}"
    if open_runs := storm.workshop.sql("SELECT COUNT(*) FROM run WHERE ended_at IS NULL")[0][0]:
        yield f"{open_runs} places are still taken"
    bill, month = storm.provider.bill(), storm.workshop.month()
    known = month["settled_nusd"] - round(month["unreconciled_usd"] * 1e9)
    if month["settled_nusd"] < bill["nusd"]:
        yield f"the ledger has {month['settled_nusd']}, the bill says {bill['nusd']}"
    if known > bill["nusd"]:
        yield f"{known} nano-dollars are said to be known, the bill says {bill['nusd']}"


def _secrets(storm: Storm) -> Iterator[str]:
    if SECRET in storm.provider.received("cloud"):
        yield "a secret was sent to the cloud"
    if any(SECRET in str(line) for line in [*storm.lines, *storm.workshop.lines]):
        yield "a secret stands in the journal"


def _processes(storm: Storm) -> Iterator[str]:
    """Of tasks that are not at work no process lives; those of hostile.py end by themselves, but not so soon."""
    for task, roll in storm.rolls.items():
        for pid in living(roll):
            yield f"{task} has left process {pid}"


def living(roll: Path) -> list[int]:
    """Who of those that signed is still there."""
    try:
        lines = roll.read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        pid, born = line.split()
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if status[19] == born and status[0] not in "ZX":
            found.append(int(pid))
    return found


def ended_but_alive(storm: Storm) -> list[str]:
    """While the storm rages: processes of commands whose tasks have been decided."""
    decided = dict(storm.workshop.sql("SELECT id, waiting FROM task WHERE waiting IS NULL OR waiting = 'file'"))
    return [f"{task}: {pids}" for task in storm.rolls if task in decided and (pids := living(storm.rolls[task]))]


def _journal(storm: Storm) -> Iterator[str]:
    lines = [*storm.lines, *storm.workshop.lines]
    for line in lines:
        if line.get("event") in FAULTS:
            yield f"the journal tells of a fault: {line}"
    for line in lines:
        if line.get("stack") and line.get("reason") != "the worker hung and was ended":
            yield f"last words: {line}"


def report(storm: Storm, seconds: float, began: float) -> dict[str, Any]:
    """The figures of a storm that is over."""
    counts = storm.workshop.counts()
    return {
        "seed": storm.seed,
        "seconds": seconds,
        "at_rest_after_s": round(time.monotonic() - began, 1),
        "survived": {name: count for name, count in sorted(storm.done.items()) if ":" in name and "agent:" not in name},
        "done": {name: count for name, count in sorted(storm.done.items()) if ":" not in name},
        "behaviours": {
            name.removeprefix("agent:"): count for name, count in sorted(storm.done.items()) if "agent:" in name
        },
        "tasks": counts,
        "rejected": len(storm.bad),
        "provider": {name: storm.provider.bill()[name] for name in ("calls", "answered", "errors", "kinds")},
        "worker_runs": storm.workshop.sql("SELECT COUNT(*) FROM run")[0][0],
        "interrupted_runs": storm.workshop.sql("SELECT COUNT(*) FROM run WHERE outcome = 'lost'")[0][0],
    }
