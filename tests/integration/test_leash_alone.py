"""A leash by itself, spoken to as its parent does: each net holds alone, and no parent can make it wait."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from leashed import PATIENCE, Roll, a_command, limits
from msgspec.structs import replace

from koubou.leash.orders import Limits, orders_of
from koubou.leash.words import VERSION, BadWords, Lines, line

PROGRAM = str(Path(__file__).parents[2] / "koubou" / "leash" / "__main__.py")
START = "import os, subprocess, sys; subprocess.Popen([*sys.argv[1:], str(os.getpid())], pass_fds=[int(sys.argv[-1])])"

BLIND = """
import sys
from koubou.leash import main, tree
real, looks = tree.descendants, []
tree.descendants = lambda: looks.append(1) or (real() if len(looks) > 40 else [])
main.main(sys.argv[1:])
"""
"""A leash whose first walks see nobody."""


class Alone:
    """A leash whose wire is ours, and whose parent is this process or, `elsewhere`, another one that waits."""

    def __init__(
        self, folder: Path, behaviour: str, bounds: Limits, *, elsewhere: bool = False, blind: bool = False
    ) -> None:
        self.roll = Roll(folder)
        self.wire, theirs = socket.socketpair()
        self.wire.settimeout(PATIENCE)
        program = ["-c", BLIND] if blind else ["-I", "-S", PROGRAM]
        words = [sys.executable, *program, str(theirs.fileno())]
        if elsewhere:
            words = [sys.executable, "-c", f"{START}; sys.stdin.read()", *words]
        else:
            words.append(str(os.getpid()))
        self.process = subprocess.Popen(
            words, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, start_new_session=True
        )
        theirs.close()
        self.wire.sendall(line("orders", **orders_of(a_command(folder, behaviour), bounds, None)))
        self._lines = Lines()
        self._words: list[dict[str, Any]] = []

    def hear(self, kind: str) -> dict[str, Any]:
        """The next word of this kind."""
        while True:
            while self._words:
                if (word := self._words.pop(0))["type"] == kind:
                    return word
            data = self.wire.recv(65536)
            assert data, f"the wire ended before {kind} came"
            self._words += self._lines.feed(data)

    def close(self) -> None:
        self.wire.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.roll.nobody_soon()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Any]:
    made: list[Alone] = []

    def make(behaviour: str, *, elsewhere: bool = False, blind: bool = False, **bounds: Any) -> Alone:
        made.append(Alone(tmp_path, behaviour, limits(**bounds), elsewhere=elsewhere, blind=blind))
        return made[0]

    yield make
    for each in made:
        each.close()


def test_a_leash_tells_in_order_what_happens(alone: Any) -> None:
    leash = alone("finished")
    pid = leash.hear("started")["pid"]
    assert leash.hear("grown")["stdout"] == len("result\n")
    over = leash.hear("over")
    assert (over["version"], over["why"], over["status"], over["killed"]) == (VERSION, "exited", 0, [])
    assert [signed for signed, _ in leash.roll.signed] == [pid]
    assert leash.process.wait(PATIENCE) == 0


def test_a_walk_that_misses_somebody_ends_no_run(alone: Any) -> None:
    leash = alone("vanisher", blind=True)
    over = leash.hear("over")
    assert leash.roll.alive() == []
    assert (over["why"], len(over["killed"])) == ("exited", 1)


def test_the_death_of_the_parent_is_told_by_the_kernel_also_where_the_wire_stays_open(alone: Any) -> None:
    leash = alone("deaf", elsewhere=True)
    leash.roll.at_least(1)
    leash.process.kill()
    leash.process.wait()
    assert leash.hear("over")["why"] == "parent"
    assert leash.roll.alive() == []


def test_the_end_of_the_wire_is_enough_where_the_parent_lives(alone: Any) -> None:
    leash = alone("deaf")
    leash.roll.at_least(1)
    leash.wire.shutdown(socket.SHUT_RDWR)
    assert leash.process.wait(PATIENCE) == 0
    assert leash.roll.alive() == []


def test_the_command_dies_with_a_killed_leash_where_nobody_adopts_it(alone: Any) -> None:
    leash = alone("deaf")
    leash.roll.at_least(1)
    leash.process.kill()
    leash.roll.nobody_soon()


def test_a_stranger_who_asks_a_leash_to_end_is_heard_like_the_parent(alone: Any) -> None:
    leash = alone("sleeper", grace=60_000)
    leash.roll.at_least(1)
    leash.process.send_signal(signal.SIGTERM)
    over = leash.hear("over")
    assert (over["why"], over["signal"]) == ("told", signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE])
def test_signals_that_are_meant_for_others_do_not_touch_it(alone: Any, number: signal.Signals) -> None:
    leash = alone("talker")
    leash.hear("grown")
    leash.process.send_signal(number)
    leash.hear("grown")
    leash.hear("grown")
    assert leash.process.poll() is None


def test_a_parent_that_does_not_listen_cannot_make_it_wait(alone: Any) -> None:
    leash = alone("babbler", wall=1_500, output=1 << 40)
    leash.roll.at_least(1)
    leash.roll.nobody_soon()  # though nobody has read a word
    assert leash.hear("over")["why"] == "wall"


def test_told_again_it_gives_no_more_grace(alone: Any) -> None:
    leash = alone("deaf", grace=600_000)
    leash.hear("grown")  # it is deaf by now
    leash.wire.sendall(line("end", within=0))
    leash.wire.sendall(line("end", within=0))
    assert leash.hear("over")["signal"] == signal.SIGKILL


def test_a_leash_for_another_parent_starts_nothing(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    words = [sys.executable, "-I", "-S", PROGRAM, str(theirs.fileno()), str(os.getppid())]
    with ours, theirs:
        ours.sendall(line("orders", **orders_of(a_command(tmp_path, "deaf"), replace(limits(), grace=0), None)))
        assert subprocess.run(words, pass_fds=[theirs.fileno()], timeout=PATIENCE, check=False).returncode == 0
    assert Roll(tmp_path).signed == set()


def test_people_who_start_a_leash_are_told_who_does() -> None:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, "for a worker" in done.stderr) == (64, True)


def test_words_come_whole_however_they_are_cut() -> None:
    data = line("started", pid=7) + line("grown", stdout=1, stderr=2)
    for size in (1, 3, 1000):
        lines = Lines()
        heard = [word for start in range(0, len(data), size) for word in lines.feed(data[start : start + size])]
        assert [word["type"] for word in heard] == ["started", "grown"]


@pytest.mark.parametrize("data", [b"{\n", b"[]\n", b'{"type": 1}\n', json.dumps({"type": "end"}).encode() + b"\n"])
def test_what_is_no_word_is_refused(data: bytes) -> None:
    with pytest.raises(BadWords):
        Lines().feed(data)
