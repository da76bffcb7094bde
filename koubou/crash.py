"""Crash points: named places at which a process kills itself, so that a test can die at each durable step.

With `KOUBOU_CRASH_AT=name` the first process that passes the place with that name dies, once. `KOUBOU_CRASH_AT=told`
reads the name from the file `crash_at` at each place, so that one workshop can die at many. Who died is noted in the
folder that `KOUBOU_TESTS` names, where that file lies too; without the folder nothing happens, and a master refuses to
serve.
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
    "notification.begun",
    "notification.delivered",
    "recovery.crew_ended",
    "recovery.heard",
)
"""Every durable step of a task's way, in its order."""

TOLD = "told"

_asked = os.environ.get(WISH, "") if os.environ.get(PERMISSION) else ""
ARMED = bool(_asked)
"""Whether a crash is wished at all."""


def at(point: str) -> None:
    """Die here, if that is wished: at once, and without a word, as by `kill -9`."""
    if ARMED and point == (_told() if _asked == TOLD else _asked):
        _die()


def is_refused(environ: Mapping[str, str]) -> bool:
    """Whether somebody wishes crashes where no tests are run."""
    return bool(environ.get(WISH)) and not environ.get(PERMISSION)


def wishes() -> dict[str, str]:
    """What a child must be told so that it crashes as its parent would."""
    return {name: os.environ[name] for name in (WISH, PERMISSION)} if ARMED else {}


def _told() -> str:
    try:
        with open(os.path.join(os.environ[PERMISSION], "crash_at"), encoding="ascii") as wish:
            return wish.read()
    except FileNotFoundError:
        return ""


def _die() -> None:
    mark = os.path.join(os.environ[PERMISSION], "crashed")
    try:
        descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:
        return  # another has died of it
    os.write(descriptor, b"%d\n" % os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)
