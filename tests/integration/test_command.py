"""Executor `command:<name>` in a real worker: a program answers, on a leash, and nothing of it outlives its run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from agents_at_work import TOKEN, WALLS, ADoor, ASink, a_manner, asked
from crew import PATIENCE, Crew, a_body, a_tier
from leashed import HOSTILE, Roll

from koubou.backends.port import Answer
from koubou.model.call import Bill, ErrorClass, Usage
from koubou.rules.provider_errors import plain_error
from koubou.wire.messages import Finished, Started, Unable
from koubou.wire.record import Record


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    return Roll(tmp_path)


def a_command(*argv: str, **fields: Any) -> Any:
    return a_tier(executor="command:tool", command=argv, **fields)


def hostile(roll: Roll, behaviour: str, **fields: Any) -> Any:
    """The stub agent; it learns of the roll by a word, since no environment of ours reaches it."""
    return a_command(sys.executable, "-I", "-S", HOSTILE, behaviour, str(roll.path), **fields)


def done(tmp_path: Path, tier: Any, timeout: int = 60_000) -> Record:
    with Crew(tmp_path) as crew:
        crew.welcome(tier)
        return crew.finish("a", a_body("お願い"), timeout)


def test_its_standard_output_is_the_answer(tmp_path: Path) -> None:
    record = done(tmp_path, a_command("cat"))
    assert record.answer == "お願い\n"
    assert record.result.error is None
    assert (record.result.finish_reason, record.result.bill) == ("stop", Bill.UNKNOWN)
    assert (tmp_path / "a" / "1" / "prompt.txt").stat().st_mode & 0o777 == 0o600


def test_it_sees_neither_our_environment_nor_the_record_of_its_run(tmp_path: Path) -> None:
    record = done(tmp_path, a_command("sh", "-c", "env | cut -d= -f1 | sort | tr '\\n' ' '; pwd"))
    names = record.answer.split()
    ours = {"HOME", "TMPDIR", "KOUBOU_RUN", "KOUBOU_TASK_ID", "KOUBOU_TIER", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"}
    assert set(names[:-1]) <= {*ours, "PWD", "OLDPWD", "_", "SHLVL"}
    assert names[-1] == str(tmp_path / "a" / "1" / "work")


@pytest.mark.parametrize(
    ("behaviour", "fields", "kind", "code"),
    [
        ("silent", {}, ErrorClass.CUT, "no_answer"),
        ("failing", {}, ErrorClass.SERVER, "exit_7"),
        ("mute", {"idle": 1_500}, ErrorClass.TIMEOUT, "idle"),
        ("stopped", {"timeout": 1_500}, ErrorClass.TIMEOUT, "wall"),
        ("babbler", {}, ErrorClass.SERVER, "output"),
        ("rebel", {}, ErrorClass.LOST, "lost"),
    ],
)
def test_what_goes_wrong_has_a_name_and_leaves_nothing(
    tmp_path: Path, roll: Roll, behaviour: str, fields: dict[str, Any], kind: ErrorClass, code: str
) -> None:
    record = done(tmp_path, hostile(roll, behaviour, **fields))
    assert roll.signed
    assert roll.alive() == []
    assert record.result.error is not None
    assert (record.result.error.kind, record.result.error.code) == (kind, code)
    assert record.result.bill is Bill.UNKNOWN


def test_a_program_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with Crew(tmp_path) as crew:
        with pytest.raises(AssertionError):
            crew.welcome(a_command("no-such-program"))
        assert crew.ends() == 3
    with Crew(tmp_path) as crew:
        crew.welcome(a_command("sh"))
        crew.retire()
        assert crew.ends() == 0
    assert Unable.__doc__


def test_a_cancelled_run_is_told_when_nothing_of_it_is_left(tmp_path: Path, roll: Roll) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(hostile(roll, "family"))
        crew.assign("a")
        roll.at_least(5)
        crew.cancel("a")
        result = crew.expect(Finished).result
        assert roll.alive() == []
        assert result.error is not None
        assert result.error.kind is ErrorClass.CANCELLED


def test_a_worker_without_its_master_ends_its_commands_at_once_and_leaves_a_record(tmp_path: Path, roll: Roll) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(hostile(roll, "family"), grace=60_000)
        folder = crew.assign("a")
        roll.at_least(5)
        crew.wire.close()
        assert crew.ends() == 0
        assert roll.alive() == []
        error = crew.record(folder).result.error
        assert error is not None
        assert error.kind is ErrorClass.LOST


@pytest.mark.parametrize("victim", ["worker", "leash"])
def test_kill_9_leaves_nothing(tmp_path: Path, roll: Roll, victim: str) -> None:
    with Crew(tmp_path) as crew:
        crew.welcome(hostile(roll, "family"))
        crew.assign("a")
        crew.expect(Started)
        roll.at_least(5)
        [leash] = psutil.Process(crew.process.pid).children()
        if victim == "worker":
            crew.process.kill()
            crew.process.wait(PATIENCE)
            roll.nobody_soon()
            leash.wait(PATIENCE)
        else:
            leash.kill()
            error = crew.expect(Finished).result.error
            assert error is not None
            assert error.kind is ErrorClass.LOST
            assert roll.alive() == []
            assert psutil.Process(crew.process.pid).children() == []


def directly(folder: Path, door: ADoor | None, *argv: str, **manner: Any) -> tuple[Answer, ASink]:
    """One run of a command in this process."""
    sink = ASink(folder / "a" / "1")
    tier = a_command(*argv, agent=a_manner("", **manner))
    return asked(tier, door, sink, a_body("お願い")), sink


@pytest.mark.parametrize("sandbox", WALLS)
def test_a_command_with_a_server_makes_its_calls_through_the_gateway(tmp_path: Path, sandbox: bool) -> None:
    names = "$OPENAI_BASE_URL $OPENAI_API_KEY $ANTHROPIC_BASE_URL $ANTHROPIC_API_KEY"
    answer, sink = directly(tmp_path, ADoor(4321), "sh", "-c", f"echo {names}; cat", sandbox=sandbox)
    root = "http://127.0.0.1:4321"
    assert sink.text == f"{root}/v1 {TOKEN} {root} {TOKEN}\nお願い\n"
    assert (answer.error, answer.bill, sink.was_sent) == (None, Bill.NONE, False)


def test_a_command_whose_calls_are_refused_ends_with_the_refusal(tmp_path: Path) -> None:
    trouble = plain_error(ErrorClass.BUDGET)
    answer, _ = directly(tmp_path, ADoor(trouble=trouble), "false")
    assert (answer.error, answer.bill) == (trouble, Bill.NONE)


def test_a_command_that_tells_of_a_refusal_and_ends_well_has_not_answered(tmp_path: Path) -> None:
    door = ADoor(trouble=plain_error(ErrorClass.BUDGET))
    door.hopeless = True
    answer, _ = directly(tmp_path, door, "echo", "Error: insufficient_quota")
    assert answer.error == door.trouble


@pytest.mark.parametrize("sandbox", WALLS)
def test_a_prompt_may_be_given_as_a_file(tmp_path: Path, sandbox: bool) -> None:
    answer, sink = directly(tmp_path, None, "cat", sandbox=sandbox, prompt_in_file=True)
    assert (answer.error, sink.text) == (None, "お願い\n")


def test_what_a_command_says_that_it_used_is_its_bill(tmp_path: Path) -> None:
    pattern = r"in=(?P<input_tokens>\d+) out=(?P<output_tokens>\d+)"
    told, _ = directly(tmp_path, None, "sh", "-c", "echo done; echo in=12 out=3 >&2", usage=(pattern,))
    assert (told.bill, told.usage) == (Bill.REPORTED, Usage(input_tokens=12, output_tokens=3))
    silent, _ = directly(tmp_path, None, "echo", "done", usage=(pattern,))
    assert (silent.bill, silent.usage) == (Bill.UNKNOWN, None)
