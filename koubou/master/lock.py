"""One master per workshop: a lock on a file in its home, held as long as the process lives; no pid file to go stale."""

from __future__ import annotations

import fcntl
import os
import time

from koubou.errors import WorkshopTaken

NAME = "master.lock"
_PATIENCE = 0.5
"""Seconds: whoever asks whether the workshop is served takes the lock, shared, for microseconds."""


def take(run_folder: str) -> int:
    """Hold the workshop; keep the descriptor open. Raises WorkshopTaken when another master has it."""
    path = os.path.join(run_folder, NAME)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    deadline = time.monotonic() + _PATIENCE
    while not _locked(descriptor):
        if time.monotonic() >= deadline:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise WorkshopTaken(f"{path}: process {holder or 'unknown'} serves this workshop already")
        time.sleep(0.01)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def take_home(home: str) -> int:
    """Hold the home itself, which outlives its run/ folder. Raises WorkshopTaken when another master has it."""
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not _locked(descriptor):
        os.close(descriptor)
        raise WorkshopTaken(f"{home}: another process serves this workshop already")
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
