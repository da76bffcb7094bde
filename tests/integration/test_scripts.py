"""What the scripts of the checkout say to --help and to words that they do not know: nothing is done either way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts where there is nothing to work with: no Python is called under the name that they are given."""
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def run(checkout: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": "no-python-is-called-so"}
    return subprocess.run(
        [checkout / "scripts" / script, *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("script", ["install", "demo", "promtool", "browser"])
def test_help_is_help_and_does_nothing(checkout: Path, script: str) -> None:
    done = run(checkout, script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"scripts/{script}" in done.stdout
    assert not any(line.startswith(("#", "set ")) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("install", ["--sytem"]),
        ("install", ["local", "dev"]),
        ("demo", ["--fast"]),
        ("demo", ["again"]),
        ("promtool", ["--all"]),
        ("browser", ["--all"]),
    ],
    ids=lambda word: " ".join(word) if isinstance(word, list) else word,
)
def test_a_word_that_is_not_known_gets_the_usage(checkout: Path, script: str, words: list[str]) -> None:
    done = run(checkout, script, *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert f"scripts/{script}" in done.stderr


def test_an_extra_that_there_is_not_is_named_with_those_there_are(checkout: Path) -> None:
    done = run(checkout, "install", "local,devel")
    assert done.returncode == 64
    assert '"devel"' in done.stderr
    assert "local plot top dev" in done.stderr
    assert "no-python-is-called-so" in run(checkout, "install", "local,dev").stderr
