"""Help answers at once: nothing heavy is imported for it, whatever the verb."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from koubou.cli.exits import NO_MASTER
from koubou.cli.verbs import VERBS

HEAVY = (
    "pydantic yaml openai sqlite3 asyncio requests structlog psutil watchdog genai_prices kingfisher_sdk logging "
    "koubou.board koubou.config koubou.master"
)
OF_VALUES = " msgspec dataclasses inspect"
SCRIPT = """
import sys
from koubou.cli.main import main
code = main(sys.argv[2:])
heavy = [name for name in sys.argv[1].split() if name in sys.modules]
sys.stderr.write(" ".join(heavy))
sys.exit(code)
"""
HELD = """
import signal, sys
class Watch:
    def find_spec(self, name, *_):
        if name in ("argparse", "typing", "dataclasses", "msgspec", "koubou.errors"):
            held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            sys.stderr.write(" ".join(sorted(each.name for each in held)))
            sys.exit()
sys.meta_path.insert(0, Watch())
from koubou.cli.main import main
main()
"""


def imported_for(*words: str, heavy: str = HEAVY) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, heavy, *words], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("version",)], ids=" ".join)
def test_help_and_version_import_nothing_heavy(words: tuple[str, ...]) -> None:
    assert imported_for(*words, heavy=HEAVY + OF_VALUES) == (0, "")


def test_no_verb_imports_anything_heavy_for_its_help() -> None:
    script = SCRIPT.replace("code = main(sys.argv[2:])", "code = sum(main([verb, '--help']) for verb in sys.argv[2:])")
    done = subprocess.run(
        [sys.executable, "-c", script, HEAVY, *VERBS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [("status",), ("list",), ("show", "x"), ("wait", "x"), ("budget",), ("follow", "x")])
def test_verbs_that_only_read_do_not_check_the_settings(words: tuple[str, ...], tmp_path: Path) -> None:
    settings = tmp_path / "koubou.yaml"
    settings.write_text(f"home: {tmp_path}/home\n")
    code, told = imported_for(*words, "--config", str(settings))
    assert code == NO_MASTER
    assert "pydantic" not in told


def test_the_signals_of_a_master_wait_before_anything_heavy_is_imported() -> None:
    for verb, held in (("serve", "SIGHUP SIGUSR1 SIGUSR2"), ("status", "")):
        done = subprocess.run(
            [sys.executable, "-c", HELD, verb], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, held), verb
