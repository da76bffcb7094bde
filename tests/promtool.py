"""Where promtool is that the tests of metrics and rules are checked with: `scripts/promtool` fetches it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def _found() -> str | None:
    named = os.environ.get("KOUBOU_PROMTOOL")
    cache = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    places = (named, shutil.which("promtool"), "/opt/koubou/promtool/promtool", str(cache / "koubou/promtool/promtool"))
    return next((place for place in places if place and os.access(place, os.X_OK)), None)


PROMTOOL = _found()
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: scripts/promtool")


def promtool(*words: str, told: bytes = b"") -> str:
    """What it says when it finds nothing wrong."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *words], input=told, capture_output=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said
