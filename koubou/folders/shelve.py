"""The folder of a task, from its first run to the shelf with its answer. Every deed may be done again after a crash."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from koubou import crash
from koubou.folders.access import let_read
from koubou.folders.bounded import read_small
from koubou.folders.durable import sync_folder, write_all, write_plain, write_synced, write_whole
from koubou.folders.layout import Layout
from koubou.model.task import Attachment

Shelf = Literal["completed", "failed"]

RECORD = "result.json"
RESULTS = ("output.json", "output.md", "error.json")
"""What a shelved task's folder may say of its ending; only the latest ending's files stay."""

SYNCED = ("output.json", "error.json")
"""Those that programs rely on; output.md says the same for people, and can be made again."""

LARGEST_RECORD = 64 * 1024 * 1024

_SHELVES: tuple[Shelf, ...] = ("completed", "failed")
_SOURCE = "task.yaml"
_PRIVATE = 0o700
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def open_run(layout: Layout, task: str, run: int, source: str, attachments: Sequence[Attachment] = ()) -> str:
    """The folder of a run, made with what the task's own lacks; quick, nothing is synced: the board is the truth.

    `source` is the document as it stands on the board. Raises OSError.
    """
    folder = layout.task_folder("in_progress", task)
    _fill(layout, folder, source, attachments)
    _mkdir(f"{folder}/runs")
    _mkdir(f"{folder}/runs/{run}")
    return f"{folder}/runs/{run}"


def file_away(
    layout: Layout,
    task: str,
    source: str,
    shelf: Shelf,
    files: Mapping[str, bytes],
    attachments: Sequence[Attachment] = (),
    reader: int | None = None,
) -> str:
    """Put a task's folder on its shelf with these files (of RESULTS) in it; returns the folder.

    `reader` is the uid that may read folder, task.yaml and results besides us: the submitter's.

    Whoever sees the folder on the shelf sees whole files; that it stands there outlives a power cut after
    `sync_shelves`, which serves many tasks at once. A task that never ran gets its folder here. Raises OSError.
    """
    if not set(files) <= set(RESULTS):
        raise ValueError("a shelved task has no other files than " + ", ".join(RESULTS))
    work, target = layout.task_folder("in_progress", task), layout.task_folder(shelf, task)
    if os.path.lexists(target) and not os.path.lexists(work):
        _mend(target, files)
        _let_read(target, files, reader)
    else:
        _bring_back(layout, task)
        _fill(layout, work, source, attachments)
        for name, data in sorted(files.items(), reverse=True):
            # Nobody is shown the folder before it is whole, so the files need no hidden names here.
            path = os.fsencode(f"{work}/{name}")
            write_synced(path, data) if name in SYNCED else write_plain(path, data)
        _remove_results(work, but=files)
        _let_read(work, files, reader)
        sync_folder(work)
        crash.at("shelving.papers")
        os.rename(work, target)
    return target


def sync_shelves(layout: Layout, shelves: Collection[Shelf]) -> None:
    """Wait until the disk has what `file_away` put on these shelves. Raises OSError."""
    for shelf in shelves:
        sync_folder(f"{layout.tasks}/{shelf}")
    sync_folder(layout.in_progress)


def reopen(layout: Layout, task: str) -> None:
    """Bring an ended task's folder back for another attempt, without the old ending's files. Raises OSError."""
    _bring_back(layout, task)
    _remove_results(layout.task_folder("in_progress", task), but=())


def read_record(run_folder: str, largest: int = LARGEST_RECORD) -> dict[str, Any] | None:
    """What a worker left in a run's folder; None when there is no whole record. Raises OSError when the disk fails."""
    data = read_small(f"{run_folder}/{RECORD}", largest)
    if data is None:
        return None
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _fill(layout: Layout, folder: str, source: str, attachments: Sequence[Attachment]) -> None:
    """Make a task's folder with our copies of what was asked. They are written once; half a copy is written again."""
    try:
        os.mkdir(folder, _PRIVATE)
    except FileExistsError:
        fresh = False
    except FileNotFoundError:
        layout.ensure_tasks()
        os.mkdir(folder, _PRIVATE)
        fresh = True
    else:
        fresh = True
    _copy(f"{folder}/{_SOURCE}", source.encode("utf-8"), fresh)
    for attachment in attachments:
        path = f"{folder}/files/{_beneath(attachment.name)}"
        os.makedirs(os.path.dirname(path), _PRIVATE, exist_ok=True)
        _copy(path, attachment.content.encode("utf-8"), fresh)


def _copy(path: str, data: bytes, fresh: bool) -> None:
    if not fresh and _has_size(path, len(data)):
        return
    descriptor = os.open(path, _WRITE, 0o600)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _has_size(path: str, size: int) -> bool:
    try:
        return os.lstat(path).st_size == size
    except FileNotFoundError:
        return False


def _beneath(name: str) -> str:
    """An attachment's name as a path that cannot leave its folder."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "file"


def _bring_back(layout: Layout, task: str) -> None:
    work = layout.task_folder("in_progress", task)
    for shelf in _SHELVES:
        old = layout.task_folder(shelf, task)
        if not os.path.lexists(old):
            continue
        if os.path.lexists(work):
            _take_over_runs(old, work)
            shutil.rmtree(old)
        else:
            os.rename(old, work)


def _take_over_runs(old: str, work: str) -> None:
    """Keep the runs of an earlier ending that the newer folder does not have."""
    if not os.path.isdir(f"{old}/runs"):
        return
    _mkdir(f"{work}/runs")
    for run in os.listdir(f"{old}/runs"):
        if not os.path.lexists(f"{work}/runs/{run}"):
            os.rename(f"{old}/runs/{run}", f"{work}/runs/{run}")


def _mend(target: str, files: Mapping[str, bytes]) -> None:
    """See to it that a folder that is on its shelf already has these files; what is there and equal stays untouched."""
    changed = [name for name, data in files.items() if not _holds(f"{target}/{name}", data)]
    for name in changed:
        write_whole(os.fsencode(f"{target}/{name}"), files[name])
    if changed:
        _remove_results(target, but=files)
        sync_folder(target)


def _let_read(folder: str, files: Mapping[str, bytes], reader: int | None) -> None:
    if reader is not None:
        for path in (*(f"{folder}/{name}" for name in files), f"{folder}/{_SOURCE}", folder):
            let_read(path, reader)


def _holds(path: str, data: bytes) -> bool:
    return read_small(path, len(data)) == data


def _remove_results(folder: str, but: Mapping[str, bytes] | tuple[()]) -> None:
    for name in RESULTS:
        if name not in but:
            try:
                os.unlink(f"{folder}/{name}")
            except FileNotFoundError:
                continue


def _mkdir(path: str) -> None:
    try:
        os.mkdir(path, _PRIVATE)
    except FileExistsError:
        return
