"""A real worker process, rehearsing."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvloop
from crew import Crew, a_body, a_tier

from koubou.model.call import Bill, CallResult, ErrorClass, Usage
from koubou.wire.framing import encode
from koubou.wire.messages import VERSION, Assign, Beat, Cancel, Finished, Hello, Started, Unable, Welcome
from koubou.wire.record import ANSWER, NAME, Record
from koubou.worker.leave_record import keep_trying, leave_record
from koubou.worker.loop import Worker

FOR_EVER = [{"match": "slow", "latency": "1h"}]


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(rules: object) -> str:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(rules))
        return str(path)

    return write


def wait_for(path: Path, text: str) -> None:
    """Wait until the file is there and has this text."""
    end = time.monotonic() + 20
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end, f"{path} did not come"
        os.sched_yield()


def test_a_run_leaves_its_record_before_it_is_told_and_the_bell_rings(tmp_path: Path) -> None:
    with Crew(tmp_path, "local-1") as crew:
        crew.welcome(a_tier())
        record = crew.finish("a")
        result = record.result
        assert (result.task, result.run, result.call, result.bill) == ("a", 1, "a-1", Bill.REPORTED)
        assert result.answered
        assert result.finish_reason == "stop"
        assert result.usage == Usage(input_tokens=3, output_tokens=10)
        assert result.started_at <= (result.first_token_at or 0) <= result.finished_at
        assert record.answer == (tmp_path / "a" / "1" / ANSWER).read_text()
        assert result.answer_bytes == len(record.answer) + 2
        assert sorted(path.name for path in (tmp_path / "a" / "1").iterdir()) == [ANSWER, NAME]
        assert stat.S_IMODE((tmp_path / "a" / "1" / NAME).stat().st_mode) == 0o600
        crew.retire()
        assert crew.ends() == 0
        assert crew.rings >= 1


def test_a_worker_says_who_it_is(tmp_path: Path) -> None:
    with Crew(tmp_path, "local-7") as crew:
        hello = crew.expect(Hello)
        assert (hello.worker, hello.pid) == ("local-7", crew.process.pid)


def test_many_runs_go_side_by_side(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script([{"match": "slow", "latency": "1h"}, {"answer": "quick"}])))
        crew.assign("slow", a_body("slow"))
        for number in range(50):
            crew.assign(f"quick-{number}")
        finished = {crew.expect(Finished).result.task for _ in range(50)}
        assert finished == {f"quick-{number}" for number in range(50)}


def test_the_script_is_played_in_order(tmp_path: Path, script: Any) -> None:
    rules = [
        {"repeat": 1, "error": {"status": 429, "code": "insufficient_quota"}},
        {"repeat": 1, "error": {"kind": "cut"}},
        {"match": "deploy", "answer": "お任せを 🙂", "chunks": 3, "usage": {"input_tokens": 7, "output_tokens": 5}},
        {"answer": "half", "finish_reason": "length"},
    ]
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(rules)))
        quota, cut, deploy, capped = (
            crew.finish(str(number), a_body(question))
            for number, question in enumerate(["deploy", "deploy", "deploy it", "hello"])
        )
    assert quota.result.error is not None
    assert (quota.result.error.kind, quota.result.bill) == (ErrorClass.QUOTA, Bill.NONE)
    assert cut.result.error is not None
    assert (cut.result.error.kind, cut.result.bill) == (ErrorClass.CUT, Bill.UNKNOWN)
    assert (deploy.answer, deploy.result.usage) == ("お任せを 🙂", Usage(input_tokens=7, output_tokens=5))
    assert (capped.result.finish_reason, capped.result.answered) == ("length", True)


def test_the_answer_can_be_followed_while_it_grows_and_a_cancelled_run_keeps_what_came(
    tmp_path: Path, script: Any
) -> None:
    rules = [{"answer": "x" * 70_000, "chunks": 70_000, "latency": 70_000_000}]
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(rules)))
        folder = crew.assign("a", a_body("piece"))
        wait_for(folder / ANSWER, "x")
        crew.cancel("a")
        result = crew.expect(Finished).result
        assert result.error is not None
        assert (result.error.kind, result.bill) == (ErrorClass.CANCELLED, Bill.UNKNOWN)
        assert crew.record(folder).answer.startswith("x")


def test_a_run_cancelled_together_with_its_assignment_costs_nothing(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)))
        (tmp_path / "a").mkdir()
        assign = Assign(task="a", run=1, call="c", folder=str(tmp_path / "a"), body=a_body("slow"), timeout=60_000)
        crew.say(assign, Cancel(task="a", run=1), Cancel(task="unknown", run=4))
        result = crew.expect(Finished).result
        assert result.error is not None
        assert (result.error.kind, result.bill) == (ErrorClass.CANCELLED, Bill.NONE)


def test_a_call_that_takes_too_long_is_ended_and_may_be_billed(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)))
        record = crew.finish("a", a_body("slow"), timeout=30)
        assert record.result.error is not None
        assert (record.result.error.kind, record.result.bill) == (ErrorClass.TIMEOUT, Bill.UNKNOWN)
        assert crew.finish("b").result.answered


def test_a_worker_that_loses_its_master_finishes_what_is_under_way_and_ends(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script([{"match": "soon", "latency": 300, "answer": "paid"}])))
        folder = crew.assign("a", a_body("soon"))
        crew.expect(Started)
        crew.wire.close()
        assert crew.ends() == 0
        assert crew.record(folder).answer == "paid"


def test_an_orphan_does_not_wait_longer_than_its_grace(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)), grace=50)
        folder = crew.assign("a", a_body("slow"))
        crew.expect(Started)
        crew.wire.close()
        assert crew.ends() == 0
        result = crew.record(folder).result
        assert result.error is not None
        assert (result.error.kind, result.bill) == (ErrorClass.LOST, Bill.UNKNOWN)


def test_a_worker_whose_master_dies_before_the_welcome_ends_at_once(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.expect(Hello)
        crew.wire.close()
        assert crew.ends() == 0


def test_a_retiring_worker_takes_nothing_new_and_finishes_the_old(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script([{"match": "soon", "latency": 300, "answer": "done"}])))
        old = crew.assign("old", a_body("soon"))
        crew.expect(Started)
        crew.retire()
        new = crew.assign("new")
        assert crew.expect(Finished).result.task == "old"
        assert crew.ends() == 0
        assert crew.record(old).answer == "done"
        assert not (new / NAME).exists()


def test_a_retiring_worker_keeps_its_deadline(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)))
        crew.assign("a", a_body("slow"))
        crew.expect(Started)
        crew.retire(deadline=time.time_ns() // 1_000_000 + 50)
        error = crew.expect(Finished).result.error
        assert error is not None
        assert error.kind is ErrorClass.LOST
        assert crew.ends() == 0


def test_sigterm_ends_a_worker_with_grace_and_other_signals_do_not_touch_it(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)), grace=50)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            crew.process.send_signal(number)
        assert crew.finish("a").result.answered
        crew.assign("b", a_body("slow"))
        crew.expect(Started)
        crew.process.send_signal(signal.SIGTERM)
        assert crew.expect(Finished).result.task == "b"
        assert crew.ends() == 0


def test_who_is_hurried_again_when_it_is_over_bears_it() -> None:
    async def hurried_twice() -> None:
        worker = Worker("of-an-agent")
        for pause in (0, 0.02, 0):
            worker._leave_within(0)
            await asyncio.sleep(pause)

    uvloop.run(hurried_twice())


def test_a_living_worker_beats(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script(FOR_EVER)), beat=20)
        assert crew.expect(Beat).running == 0
        crew.assign("a", a_body("slow"))
        crew.expect(Started)
        assert crew.expect(Beat).running == 1


@pytest.mark.parametrize(
    ("script_text", "words"),
    [
        ('[{"anwser": "x"}]', "anwser is not one of match"),
        ('[{"error": {"kind": "tired"}}]', "kind must be one of"),
        ('[{"latency": "soon"}]', "latency must be a duration"),
        ("{", "script"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_script_is_told_and_ends_the_worker(tmp_path: Path, script_text: str | None, words: str) -> None:
    path = tmp_path / "script.json"
    if script_text is not None:
        path.write_text(script_text)
    with Crew(tmp_path) as crew:
        tier = a_tier(script=str(path))
        crew.say(Welcome(version=VERSION, tier=tier, api_keys=("sk-secret",), beat_every=1000, orphan_grace=1000))
        unable = crew.expect(Unable)
        assert words in unable.message
        assert unable.remedy
        assert crew.ends() == 3


def test_an_unknown_executor_and_another_version_end_the_worker(tmp_path: Path) -> None:
    for number, (executor, version) in enumerate([("magic", VERSION), ("rehearsal", VERSION + 1)]):
        with Crew(tmp_path / str(number)) as crew:
            tier = a_tier(executor=executor)
            crew.say(Welcome(version=version, tier=tier, api_keys=(), beat_every=1000, orphan_grace=1000))
            assert crew.expect(Unable).remedy
            assert crew.ends() == 3


def test_damage_on_the_wire_ends_the_worker_after_its_calls(tmp_path: Path, script: Any) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier(script=script([{"match": "soon", "latency": 200, "answer": "paid"}])))
        folder = crew.assign("a", a_body("soon"))
        crew.expect(Started)
        crew.wire.sendall(b"\x00\x00\x00\x02{]")
        assert crew.expect(Finished).result.answered
        assert crew.ends() == 4
        assert crew.record(folder).answer == "paid"


def test_damage_behind_a_message_is_noticed_at_once(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier())
        crew.wire.sendall(encode(Cancel(task="a", run=1)) + b"\x00\x00\x00\x02{]")
        assert crew.ends() == 4


def test_a_record_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds: list[str] = []
    fsync, rename = os.fsync, os.rename

    def note_fsync(descriptor: int) -> None:
        deeds.append(f"fsync {os.readlink(f'/proc/self/fd/{descriptor}').removeprefix(str(tmp_path))}")
        fsync(descriptor)

    def note_rename(old: str, new: str) -> None:
        deeds.append(f"rename {new.removeprefix(str(tmp_path))}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "rename", note_rename)
    result = CallResult(task="a", run=1, call="c", bill=Bill.NONE, started_at=1, finished_at=2)
    leave_record(str(tmp_path), Record(result=result, answer=""))
    assert deeds == [f"fsync /{NAME}.tmp", f"rename /{NAME}", "fsync "]


def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def full_once(folder: str, _record: Record) -> None:
        tries.append(folder)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("koubou.worker.leave_record.leave_record", full_once)
    result = CallResult(task="a", run=1, call="c", bill=Bill.NONE, started_at=1, finished_at=2)
    record = Record(result=result, answer="paid")
    with ThreadPoolExecutor(1) as writers:
        assert asyncio.run(keep_trying(writers, str(tmp_path), record)) == record
    assert len(tries) == 2


def test_a_result_that_cannot_be_written_is_told_with_its_money(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier())
        crew.say(Assign(task="a", run=1, call="c", folder=str(tmp_path / "gone"), body=a_body(), timeout=1000))
        result = crew.expect(Finished).result
        assert result.error is not None
        assert (result.error.kind, result.error.code, result.bill) == (ErrorClass.INTERNAL, "enoent", Bill.REPORTED)


def test_a_bug_in_a_backend_costs_one_run_and_shows_no_task_text(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier())
        record = crew.finish("a", {"messages": [{"role": "user", "content": "TOPSECRET"}, "TOPSECRET"]})
        assert record.result.error is not None
        assert record.result.error.kind is ErrorClass.INTERNAL
        assert "koubou.backends.rehearsal" in record.result.error.message
        assert "TOPSECRET" not in repr(record)
        assert crew.finish("b").result.answered
        crew.retire()
        assert crew.ends() == 0
        assert crew.process.stderr is not None
        assert "TOPSECRET" not in crew.process.stderr.read()


def test_nobody_can_read_a_key_or_a_core_dump(tmp_path: Path) -> None:
    with Crew(tmp_path, environment={"OPENAI_LOG": "debug"}) as crew:
        crew.welcome(a_tier(), key="sk-very-secret")
        here = Path(f"/proc/{crew.process.pid}")
        for name in ("cmdline", "environ"):
            assert b"sk-very-secret" not in (here / name).read_bytes()
        assert "Max core file size        0                    0" in (here / "limits").read_text()


def test_a_rehearsing_worker_stays_small(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(a_tier())
        crew.finish("a")
        status = Path(f"/proc/{crew.process.pid}/status").read_text()
        [kilobytes] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
        assert kilobytes < 32_000, "a worker that rehearses needs no SDK and no pydantic"


def test_people_who_start_a_worker_are_told_who_does(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "koubou.worker"], capture_output=True, text=True, check=False)
    assert (done.returncode, "for the master" in done.stderr) == (64, True)
