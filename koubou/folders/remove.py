"""Taking away what was kept long enough: folders of tasks, records of calls, refused files. Again does nothing."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from koubou.folders.durable import sync_folder
from koubou.folders.layout import Layout
from koubou.folders.reject import REASON
from koubou.model.instant import Instant

_SHELVES = ("in_progress", "completed", "failed")
_GOING = ".removed-"
"""What goes gets this name at one stroke first: nobody ever sees half a folder."""
_BLOCK = 512


def remove_task(layout: Layout, task: str) -> int:
    """Remove a task's folder from wherever it stands; the bytes of disk that this frees. Raises OSError."""
    return sum(
        _remove(f"{layout.tasks}/{shelf}", layout.task_folder(shelf, task), f"{_GOING}{task}") for shelf in _SHELVES
    )


def remove_runs(layout: Layout, task: str) -> int:
    """Remove the records of a shelved task's calls, and leave its answer; the bytes freed. Raises OSError."""
    return sum(
        _remove(f"{layout.tasks}/{shelf}", f"{layout.task_folder(shelf, task)}/runs", f"{_GOING}{task}.runs")
        for shelf in _SHELVES[1:]
    )


def size_of_task(layout: Layout, task: str, *, runs_only: bool = False) -> int:
    """What removing it would free, as far as we may look."""
    part = "/runs" if runs_only else ""
    return sum(size_of(f"{layout.task_folder(shelf, task)}{part}") for shelf in _SHELVES)


def remove_rejected(layout: Layout, before: Instant, drafts_before: Instant, limit: int) -> tuple[int, int, bool]:
    """Remove refused files, with their reasons, that came before a moment, and drafts of reasons that a crash left.

    (how many, bytes freed, whether there are more). Raises OSError.
    """
    count, freed = 0, 0
    for name, path in old_rejected(layout, before, drafts_before):
        if count == limit:
            return count, freed, True
        freed += size_of(path)
        remove_tree(path)
        count += not name.endswith(REASON)
    return count, freed, False


def old_rejected(layout: Layout, before: Instant, drafts_before: Instant = -1) -> Iterator[tuple[bytes, bytes]]:
    """(name, path) of what lies in rejected/ since before a moment: each file ahead of its reason. Raises OSError."""
    folder = os.fsencode(layout.rejected)
    for name in sorted(os.listdir(folder), key=lambda name: (name.removesuffix(REASON), name.endswith(REASON))):
        path = os.path.join(folder, name)
        with suppress(FileNotFoundError):
            # Moving it here set ctime, which nobody can set back; mtime is whatever its owner liked.
            since = os.lstat(path).st_ctime_ns // 1_000_000
            if since < (drafts_before if name.startswith(b".") else before):
                yield name, path


def size_of(path: str | bytes) -> int:
    """The bytes of disk that a file or folder takes, as far as we may look; 0 where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return 0
    taken = found.st_blocks * _BLOCK
    if stat.S_ISDIR(found.st_mode):
        with suppress(OSError), os.scandir(path) as entries:
            taken += sum(size_of(entry.path) for entry in entries)
    return taken


def _remove(shelf: str, path: str, going: str) -> int:
    hidden = f"{shelf}/{going}"
    freed = 0
    if os.path.lexists(hidden):  # somebody was interrupted here
        freed += size_of(hidden)
        remove_tree(hidden)
    try:
        os.rename(path, hidden)
    except (FileNotFoundError, NotADirectoryError):
        return freed
    sync_folder(shelf)
    freed += size_of(hidden)
    remove_tree(hidden)
    return freed


def remove_tree(path: str | bytes) -> None:
    """Remove a file, or a folder with all in it; nothing where there is none. Raises OSError."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, onerror=_open_and_try_again)
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)


def _open_and_try_again(act: Any, path: Any, why: Any) -> None:
    """An agent may have left folders that nobody may enter: they are opened first."""
    error = why[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError) or not isinstance(path, str | bytes):
        raise error
    for each in (os.path.dirname(path), path):
        if os.path.isdir(each) and not os.path.islink(each):
            os.chmod(each, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        act(path)
