"""Crash points: named places at which a process kills itself, so that a test can die at each durable step.

`KOUBOU_CRASH_AT=name` kills at the first pass of the place with that name, `name:3` at the third: one process, once.
Which one it was is noted in the folder that `KOUBOU_TESTS` names; without that folder nothing happens, and a master
refuses to serve.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

WISH = "KOUBOU_CRASH_AT"
PERMISSION = "KOUBOU_TESTS"

POINTS = (
    "intake.claimed",
    "intake.passed_on",
    "intake.discarding",
    "intake.discarded",
    "turn.before_commit",
    "turn.committed",
    "deeds.sending",
    "deeds.sent",
    "worker.assigned",
    "worker.calling",
    "worker.answered",
    "record.written",
    "record.renamed",
    "record.told",
    "shelving.papers",
    "shelving.moved",
    "shelving.synced",
    "shelving.told",
    "notice.begun",
    "notice.delivered",
    "recovery.crew_ended",
    "recovery.heard",
)
"""Every durable step of a task's way, in its order."""

_asked, _, _count = os.environ.get(WISH, "").partition(":") if os.environ.get(PERMISSION) else ("", "", "")
ARMED = bool(_asked)
"""Whether a crash is wished at all."""
_passes_left = int(_count) if _count.isdecimal() else 1


def at(point: str) -> None:
    """Die here, if that is wished: at once, and without a word, as by `kill -9`."""
    if point == _asked:
        _pass()


def is_refused(environ: Mapping[str, str]) -> bool:
    """Whether somebody wishes crashes where no tests are run."""
    return bool(environ.get(WISH)) and not environ.get(PERMISSION)


def wishes() -> dict[str, str]:
    """What a child must be told so that it crashes as its parent would."""
    return {name: os.environ[name] for name in (WISH, PERMISSION)} if ARMED else {}


def _pass() -> None:
    global _passes_left
    _passes_left -= 1
    if _passes_left > 0:
        return
    mark = os.path.join(os.environ[PERMISSION], "crashed")
    try:
        descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return  # another has died of it
    os.write(descriptor, b"%d\n" % os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)
