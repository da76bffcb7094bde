"""The service unit says nothing that systemd does not understand, and exposes little."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "koubou.service"
NOT_INSTALLED_HERE = ("is not executable: No such file or directory", "Failed to create /user.slice", "Unknown user")

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_every_line_of_the_unit() -> None:
    # Its exit status is 0 for unknown keys too; only its words tell.
    words = analyze("verify", str(UNIT)).stderr.splitlines()
    about_us = [line for line in words if "koubou.service" in line]
    assert [line for line in about_us if not any(known in line for known in NOT_INSTALLED_HERE)] == []


def test_a_word_that_systemd_does_not_know_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "koubou.service"
    wrong.write_text(UNIT.read_text().replace("NoNewPrivileges=yes", "NoNewPrivilages=yes"))
    assert "NoNewPrivilages" in analyze("verify", str(wrong)).stderr


def test_the_unit_exposes_little() -> None:
    answer = analyze("security", "--offline=true", "--threshold=20", str(UNIT))
    assert answer.returncode == 0, answer.stdout[-2000:]
