"""The compiled rules of the secret scanner, made once for all tests on this machine: it takes seconds."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

from koubou.detectors.kingfisher import Kingfisher

_RULES = Path(tempfile.gettempdir()) / f"koubou-tests-{os.geteuid()}" / "rules"


def compiled_rules() -> Path:
    """Where they are; whoever comes first makes them, and the others wait."""
    if not _RULES.is_dir():
        _RULES.parent.mkdir(mode=0o700, exist_ok=True)
        with (_RULES.parent / "rules.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _RULES.is_dir():
                draft = Path(tempfile.mkdtemp(dir=_RULES.parent))
                Kingfisher(draft).load()
                draft.rename(_RULES)
    return _RULES
