"""What takes longer than a second says on a terminal how far it is, and nowhere else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rehearsing import a_rehearsal
from workshop import KOUBOU, Workshop

from koubou.cli.progress import progress

SCRIPT = [
    {"match": "slow", "latency": "60s", "answer": "At last."},
    {"answer": "At once."},
]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with a_rehearsal() as workshop:
        script = workshop.folder / "script.yaml"
        script.write_text(json.dumps(SCRIPT))
        workshop.settings["tiers"]["local"]["script"] = str(script)
        workshop.write_settings()
        workshop.start()
        yield workshop
        workshop.stop_twice(within=30)  # nobody waits for what is slow


class Seen:
    """A program whose standard error is a terminal; what it wrote there."""

    def __init__(self, *words: str, **environ: str) -> None:
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm", **environ},
        )
        os.close(terminal)
        self.text = ""

    def until(self, fact: Callable[[str], bool], within: float = 60) -> None:
        """Read on until what was written says so."""
        deadline = time.monotonic() + within
        while not fact(self.text):
            assert time.monotonic() < deadline, self.text
            self.text += os.read(self._master, 4096).decode()

    def end(self) -> str:
        """Wait for its end; its standard output."""
        out, _ = self.process.communicate(timeout=60)
        try:
            while data := os.read(self._master, 4096):
                self.text += data.decode()
        except OSError:  # the terminal has no writer any more
            pass
        os.close(self._master)
        return out.decode()


def test_wait_tells_what_it_waits_for_and_wipes_the_line(workshop: Workshop) -> None:
    workshop.drop("slow.yaml", {"id": "slow-one", "prompt": "slow"})
    seen = Seen(KOUBOU, "wait", "slow-one", "--json", KOUBOU_CONFIG=str(workshop.config))
    seen.until(lambda text: "waiting for slow-one" in text)
    assert workshop.koubou("cancel", "slow-one").returncode == 0
    assert [each["status"] for each in json.loads(seen.end())] == ["cancelled"]
    assert seen.text.endswith("\r\x1b[K")


def test_drain_tells_how_many_are_at_work(workshop: Workshop) -> None:
    workshop.drop("slow.yaml", {"id": "slow-two", "prompt": "slow"})
    workshop.wait_until(lambda: workshop.counts().get("in_progress"), "slow-two at work")
    seen = Seen(KOUBOU, "drain", KOUBOU_CONFIG=str(workshop.config))
    seen.until(lambda text: "waiting until nothing is at work … 1 left" in text)
    assert workshop.koubou("cancel", "slow-two").returncode == 0
    assert "nothing is at work" in seen.end()
    assert workshop.koubou("resume").returncode == 0


def test_where_nobody_looks_nothing_is_written(workshop: Workshop) -> None:
    workshop.drop("slow.yaml", {"id": "slow-three", "prompt": "slow"})
    done = workshop.koubou("wait", "slow-three", "--timeout", "2s", "--json")
    assert json.loads(done.stdout) == []
    assert "\r" not in done.stderr
    assert "waiting for" not in done.stderr


def test_what_is_quick_writes_nothing_on_a_terminal_either(workshop: Workshop) -> None:
    seen = Seen(sys.executable, "-c", "from koubou.cli.progress import progress\nwith progress('a'): pass")
    seen.end()
    assert seen.text == ""


def test_a_terminal_that_cannot_wipe_gets_nothing(tmp_path: Path) -> None:
    script = "import time\nfrom koubou.cli import progress as p\np._QUIET = 0\nwith p.progress('a'): time.sleep(0.3)"
    dumb, able = Seen(sys.executable, "-c", script, TERM="dumb"), Seen(sys.executable, "-c", script)
    dumb.end()
    able.end()
    assert (dumb.text, "a …" in able.text) == ("", True)


def test_a_thing_at_a_time_is_given_on_whoever_looks() -> None:
    with progress("things") as so_far:
        assert list(so_far.each(["a", "b"])) == ["a", "b"]
