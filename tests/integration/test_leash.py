"""A leash holds whatever a command does: it ends within its bounds, and nothing of its tree lives when that is told."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path

import pytest
from leashed import Roll, a_command, has_result, limits, run
from msgspec.structs import replace

from koubou.leash import holding
from koubou.leash.holding import Leashes
from koubou.leash.orders import Ended, Limits, Why


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    return Roll(tmp_path)


@pytest.mark.parametrize(
    ("behaviour", "bounds", "why", "succeeded"),
    [
        ("finished", limits(), Why.EXITED, True),
        ("silent", limits(), Why.EXITED, False),
        ("failing", limits(), Why.EXITED, False),
        ("daemon", limits(), Why.EXITED, True),
        ("pipe_holder", limits(), Why.EXITED, True),
        ("sleeper", limits(wall=200), Why.WALL, False),
        ("talker", limits(wall=400, idle=300), Why.WALL, False),
        ("deaf", limits(wall=200), Why.WALL, False),
        ("mute", limits(idle=200), Why.IDLE, False),
        ("stopped", limits(idle=200), Why.IDLE, False),
        ("babbler", limits(output=1_000_000), Why.OUTPUT, False),
        ("complainer", limits(errors=1_000_000), Why.OUTPUT, False),
        ("scribbler", limits(file=1_000_000), Why.EXITED, False),
        ("lingerer", limits(linger=50), Why.SETTLED, True),
        ("glutton", limits(memory=100 << 20), Why.MEMORY, False),
        ("glutton", limits(address_space=100 << 20), Why.EXITED, False),
        ("bomb", limits(processes=100), Why.PROCESSES, False),
        ("bomb", limits(wall=150, grace=0), Why.WALL, False),
        ("hopper", limits(wall=300), Why.WALL, False),
        ("disguised", limits(linger=50), Why.SETTLED, True),
        ("unreaping", limits(wall=200), Why.WALL, False),
    ],
)
def test_a_run_ends_within_its_bounds_and_nothing_is_left(
    tmp_path: Path, roll: Roll, behaviour: str, bounds: Limits, why: Why, succeeded: bool
) -> None:
    ended = run_slowly(tmp_path, roll, behaviour, bounds)
    assert roll.alive() == []
    assert (ended.why, ended.succeeded) == (why, succeeded), ended


def run_slowly(folder: Path, roll: Roll, behaviour: str, bounds: Limits) -> Ended:
    """Run it; anew with more patience where the machine was so busy that its time was up before it had begun."""
    for patience in (1, 5, 25):
        wall, idle = ((bound or 0) * patience or None for bound in (bounds.wall, bounds.idle))
        ended = run(a_command(folder, behaviour), replace(bounds, wall=wall, idle=idle))
        if len(roll.signed) > (1 if behaviour == "hopper" else 0):
            return ended
    raise AssertionError("it never ran")


def test_who_had_to_be_killed_is_named(tmp_path: Path) -> None:
    ended = run(a_command(tmp_path, "daemon"), limits())
    assert ended.status == 0
    assert len(ended.killed) == 1
    assert ended.killed[0].startswith("python")
    assert run_slowly(tmp_path, Roll(tmp_path), "sleeper", limits(wall=100, grace=10_000)).killed == ()


def test_a_listening_command_ends_by_the_signal_that_it_is_asked_with(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        ended = run_slowly(tmp_path, Roll(tmp_path), "sleeper", limits(wall=200, signal=number, grace=60_000))
        assert (ended.signal or signal.SIGINT) == number  # Python says KeyboardInterrupt, and status 1 or the signal
        assert ended.wall < 20_000, "whoever ends at once is not waited for"


def test_what_a_command_says_is_kept_up_to_its_bound(tmp_path: Path) -> None:
    ended = run(a_command(tmp_path, "babbler"), limits(output=1_000_000))
    assert (tmp_path / "stdout").read_bytes() == b"x" * 1_000_000
    assert ended.stdout == 1_000_000
    assert (tmp_path / "stdout").stat().st_mode & 0o777 == 0o600


def test_a_file_that_grows_for_ever_stops_at_its_bound(tmp_path: Path) -> None:
    run(a_command(tmp_path, "scribbler"), limits(file=1_000_000))
    assert (tmp_path / "scribbled").stat().st_size <= 1_000_000


def test_a_command_sees_only_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-it")
    (tmp_path / "prompt").write_text("お願い")
    command = a_command(tmp_path, "witness", stdin=str(tmp_path / "prompt"))
    bounds = limits(file=5 << 20, open_files=64, address_space=1 << 30, processes_of_user=50_000)
    ended = run(command, bounds)
    seen = json.loads((tmp_path / "stdout").read_text())
    assert ended.status == 0
    assert seen["environment"].keys() - {"LC_CTYPE"} == {"ROLL", "TOKEN", "KOUBOU_RUN"}
    assert seen["environment"]["KOUBOU_RUN"] == f"task/1/worker-1@{tmp_path}"
    assert seen["stdin"] == "お願い"
    assert seen["limits"] == {
        "CORE": [0, 0],
        "NOFILE": [64, 64],
        "FSIZE": [5 << 20] * 2,
        "AS": [1 << 30] * 2,
        "NPROC": [50_000] * 2,
    }
    assert (seen["umask"], seen["directory"], seen["session"]) == (0o077, str(tmp_path), True)
    assert len(seen["descriptors"]) == 4, "standard ones, and the one that lists them"
    assert int(seen["blocked"], 16) == 0
    assert int(seen["ignored"], 16) & ~(1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)) == 0  # Python's own
    assert seen["no_new_privileges"] == "1"


def test_no_stdin_is_an_empty_one(tmp_path: Path) -> None:
    run(a_command(tmp_path, "witness"), limits())
    assert json.loads((tmp_path / "stdout").read_text())["stdin"] == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"argv": ["/no/such/program"]}, "command: No such file"),
        ({"argv": ["/etc/passwd"]}, "command: Permission denied"),
        ({"directory": "/no/such/folder"}, "directory: No such file"),
        ({"stdin": "/no/such/prompt"}, "stdin: No such file"),
        ({"stdout": "/no/such/folder/out"}, "No such file"),
        ({"argv": ["echo", "\0"]}, "command: ValueError"),
    ],
)
def test_what_cannot_be_started_is_told(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    ended = run(a_command(tmp_path, "finished", **changes), limits())
    assert (ended.why, ended.succeeded) == (Why.NOT_STARTED, False)
    assert words in ended.message


def test_what_a_tree_used_is_told(tmp_path: Path) -> None:
    ended = run(a_command(tmp_path, "glutton"), limits(memory=200 << 20))
    assert ended.peak_rss > 200 << 20
    assert ended.cpu > 0


def test_a_cancelled_run_is_over_before_the_caller_goes_on(tmp_path: Path, roll: Roll) -> None:
    with pytest.raises(asyncio.CancelledError):
        run(a_command(tmp_path, "family"), limits(), meanwhile=lambda: roll.at_least(5))
    assert roll.alive() == []


def test_a_run_cancelled_as_it_begins_leaves_nothing(tmp_path: Path, roll: Roll) -> None:
    async def both() -> None:
        running = asyncio.ensure_future(Leashes().run(a_command(tmp_path, "deaf"), limits(), has_result))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(both())
    assert roll.alive() == []


def test_runs_go_side_by_side(tmp_path: Path) -> None:
    async def all_of_them() -> list[Ended]:
        leashes = Leashes()
        folders = [tmp_path / str(number) for number in range(4)]
        for folder in folders:
            folder.mkdir()
        return await asyncio.gather(
            *(leashes.run(a_command(folder, "lingerer"), limits(linger=50), has_result) for folder in folders)
        )

    assert all(ended.succeeded for ended in asyncio.run(all_of_them()))
    assert [alive for number in range(4) for alive in Roll(tmp_path / str(number)).alive()] == []


def test_a_leash_that_is_stopped_by_its_command_is_given_up(
    tmp_path: Path, roll: Roll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_MARGIN", 0.2)
    ended = run_slowly(tmp_path, roll, "jailer", limits(wall=300))
    assert ended.why is Why.LOST
    assert roll.alive() == []


def test_a_leash_is_started_from_the_main_thread_only(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def elsewhere() -> None:
        try:
            run(a_command(tmp_path, "finished"), limits())
        except RuntimeError as error:
            failures.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(failures[0])


def test_neither_words_nor_environment_of_a_leash_show_what_it_was_told(tmp_path: Path, roll: Roll) -> None:
    seen = []

    def look() -> None:
        roll.at_least(1)
        [(pid, _)] = roll.signed
        leash = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        seen.extend(Path(f"/proc/{leash}/{name}").read_bytes() for name in ("cmdline", "environ"))

    command = a_command(tmp_path, "sleeper")
    command = a_command(tmp_path, "sleeper", environment={**command.environment, "KEY": "sk-very-secret"})
    with pytest.raises(asyncio.CancelledError):
        run(command, limits(), meanwhile=look)
    assert b"koubou/leash" in seen[0]
    assert b"sk-very-secret" not in b"".join(seen)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_run_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    run(a_command(tmp_path, "finished"), limits())
    before = _descriptors()
    run(a_command(tmp_path, "lingerer"), limits(linger=50))
    run(a_command(tmp_path, "finished", argv=["/no/such/program"]), limits())
    assert _descriptors() == before
