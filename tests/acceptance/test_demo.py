"""The first command of the README: real answers of a real model, from a clean checkout, with no key and no root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DEMO = PROJECT / "scripts" / "demo"


@pytest.mark.slow
def test_the_demo_answers_every_example_and_cleans_up(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": "/tmp", "NO_COLOR": "1"}
    before = set(Path("/tmp").glob("koubou-demo-*"))
    done = subprocess.run(
        [DEMO], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode == 75:
        pytest.skip(f"the demo's model cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout + done.stderr
    for example in sorted((PROJECT / "examples").glob("*.yaml")):
        assert example.name in done.stdout
    assert "local" in done.stdout
    assert "$0.00" in done.stdout
    assert set(Path("/tmp").glob("koubou-demo-*")) <= before
