"""An answer is held against what was asked for in a process of its own: whatever it takes, nobody else is kept."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from crew import PATIENCE, Crew, a_body, a_tier

from koubou.rules.paper import SCHEMA
from koubou.wire.messages import Finished, Started
from koubou.worker import checking, complete
from koubou.worker.complete import Completeness


def doubling(depth: int) -> dict[str, Any]:
    """A small schema that takes two to the power of `depth`."""
    parts: dict[str, Any] = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]} for n in range(depth)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**parts, f"a{depth}": {"minLength": 0}}}


async def looked_through(
    answer: str, expect: Sequence[str], schema: dict[str, Any] | None
) -> tuple[tuple[str, ...], float]:
    """What it lacks, and for how many seconds at most the loop did nothing else meanwhile."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - began)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)  # so that it has begun
    found = await Completeness().lacks(answer, "stop", expect, schema)
    await asyncio.sleep(0.01)
    ticking.cancel()
    return found, longest


def children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ('"x"', doubling(60)),
        (json.dumps([{"a": 19_999}] * 20_000), {"items": {"enum": [{"a": n} for n in range(20_000)]}}),
    ],
    ids=["doubling", "enum"],
)
def test_a_schema_that_takes_for_ever_is_not_met_and_keeps_nobody(answer: str, schema: dict[str, Any]) -> None:
    began = time.monotonic()
    found, longest = asyncio.run(looked_through(answer, (), schema))
    assert found == (SCHEMA,)
    assert time.monotonic() - began < complete.SLOWEST + 1
    assert longest < 0.5
    assert children() == []


def test_many_parts_of_a_long_answer_are_looked_for_beside_the_loop() -> None:
    expect = ["ab", *("ab" * 100 + f"{n}" for n in range(1000))]
    found, longest = asyncio.run(looked_through("ab" * 4_000_000, expect, None))
    assert found[:2] == ("expect[1]", "expect[2]"), "as far as is known"
    assert "expect[0]" not in found
    assert longest < 0.5


def test_what_is_found_beside_the_loop_is_what_would_be_found_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = ["STRASSE", "Plan", "\ud800", "終"]
    answer = "straße 終" + "x" * 100
    in_place = asyncio.run(Completeness().lacks(answer, "length", expect, None))
    monkeypatch.setattr(complete, "_QUICK", 0)
    assert asyncio.run(Completeness().lacks(answer, "length", expect, None)) == in_place
    assert in_place == ("cap", "expect[1]", "expect[2]")
    both = asyncio.run(Completeness().lacks(answer, "stop", expect, {}))
    assert both == ("expect[1]", "expect[2]", SCHEMA)


def test_no_process_is_started_for_a_common_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    assert asyncio.run(Completeness().lacks("x" * 4_000_000, "stop", ["x"], None)) == ()
    assert asyncio.run(Completeness().lacks("x" * 30_000_000, "stop", (), None)) == ()


def test_an_answer_is_kept_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete.sys, "executable", "/nowhere/python")
    assert asyncio.run(Completeness().lacks("{}", "stop", ["a"], {})) == (SCHEMA,)


def test_one_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = tmp_path / "idle.py"
    idle.write_text("import time\nprint('expect[3]', flush=True)\ntime.sleep(15)\n")
    monkeypatch.setattr(checking, "__file__", str(idle))
    monkeypatch.setattr(complete, "SLOWEST", 0.5)
    began = time.monotonic()
    assert asyncio.run(Completeness().lacks("{}", "stop", (), {})) == ("expect[3]", SCHEMA)
    assert time.monotonic() - began < 5
    assert children() == []


def alone(answer: str, expect: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """The process without anybody who would end it."""
    asked = json.dumps({"answer": answer, "expect": expect, "schema": None}, ensure_ascii=False).encode()
    command = [sys.executable, "-P", checking.__file__]
    return subprocess.run(command, input=asked, capture_output=True, timeout=60, check=False)


def test_it_ends_by_itself_when_it_computes_for_too_long() -> None:
    done = alone("ab" * 4_000_000, ["ab" * 100 + f"{n}" for n in range(2000)])
    assert done.returncode in (-signal.SIGKILL, -signal.SIGXCPU)


def test_it_ends_by_itself_and_quietly_when_it_takes_too_much_memory() -> None:
    done = alone("a" * 60_000_000 + "😀", ["b"])
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_only_a_few_are_looked_through_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0

    async def many() -> list[tuple[str, ...]]:
        nonlocal most
        completeness = Completeness()
        asked = [asyncio.create_task(completeness.lacks("{}", "stop", (), {})) for _ in range(6)]
        while not all(task.done() for task in asked):
            most = max(most, len(children()))
            await asyncio.sleep(0.002)
        return [await task for task in asked]

    assert asyncio.run(many()) == [()] * 6
    assert 0 < most <= complete.AT_ONCE


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"match": "evil", "answer": '"x"'}]))
    return str(path)


def looking(worker: int) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(worker).children()
        if child.status() != psutil.STATUS_ZOMBIE and "checking.py" in " ".join(child.cmdline())
    ]


def wait_for_looking(worker: int) -> psutil.Process:
    end = time.monotonic() + PATIENCE
    while not (found := looking(worker)):
        assert time.monotonic() < end, "nobody looks through the answer"
        os.sched_yield()
    return found[0]


def test_other_runs_of_a_worker_go_on_while_an_answer_is_looked_through(tmp_path: Path, script: str) -> None:
    with Crew(tmp_path, "local-1") as crew:
        crew.welcome(a_tier(script=script))
        crew.assign("evil", a_body("evil"), schema=doubling(60))
        crew.expect(Started)
        wait_for_looking(crew.process.pid)
        crew.assign("other")
        assert crew.expect(Finished).result.task == "other"
        last = crew.expect(Finished).result
        assert (last.task, last.missing, last.answered) == ("evil", (SCHEMA,), True)
        assert crew.record(tmp_path / "evil" / "1").answer == '"x"'


def test_a_run_cancelled_while_its_answer_is_looked_through_keeps_it_and_ends_at_once(
    tmp_path: Path, script: str
) -> None:
    with Crew(tmp_path, "local-1") as crew:
        crew.welcome(a_tier(script=script))
        crew.assign("evil", a_body("evil"), schema=doubling(60))
        process = wait_for_looking(crew.process.pid)
        began = time.monotonic()
        crew.cancel("evil")
        result = crew.expect(Finished).result
        assert time.monotonic() - began < 1
        assert (result.error, result.missing) == (None, (SCHEMA,))
        assert not process.is_running()


def test_a_worker_that_is_killed_leaves_nobody_who_looks_on_for_ever(tmp_path: Path, script: str) -> None:
    with Crew(tmp_path, "local-1") as crew:
        crew.welcome(a_tier(script=script))
        crew.assign("evil", a_body("evil"), schema=doubling(60))
        process = wait_for_looking(crew.process.pid)
        assert script not in " ".join(process.cmdline())
        assert set(process.environ()) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}
        crew.process.kill()
        process.wait(PATIENCE)
