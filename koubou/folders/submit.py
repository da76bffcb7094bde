"""Dropping a file as any program should: hidden name, whole and on disk, then one rename, never over another's file."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from koubou.folders.durable import rename_new, sync_folder, write_all

_FOR_THE_GROUP = 0o640
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def drop(tasks: str, name: str, data: bytes) -> str:
    """Put a task file into `tasks`; returns its path. Raises OSError: FileExistsError where the name is taken."""
    target = os.fsencode(os.path.join(tasks, name))
    hidden = os.fsencode(os.path.join(tasks, f".{secrets.token_hex(8)}.tmp"))
    descriptor = os.open(hidden, _NEW, 0o600)
    try:
        try:
            write_all(descriptor, data)
            with suppress(OSError):  # as a set-group-id folder would have it, which this one is not everywhere
                os.fchown(descriptor, -1, os.stat(tasks).st_gid)
            os.fchmod(descriptor, _FOR_THE_GROUP)
            os.fsync(descriptor)
            rename_new(hidden, target)
        except OSError:
            os.unlink(hidden)
            raise
        try:
            sync_folder(tasks)
        except PermissionError:
            # Who may drop but not list cannot open the folder. The rename touched the file too: its sync commits both.
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return os.fsdecode(target)
