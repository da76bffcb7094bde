"""Where an agent works: a copy of the workspace in the run's folder, and what came of it as a patch."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from typing import Any

from koubou.folders.changes import Baseline, Changes, changes_of, take_baseline
from koubou.folders.workspace import copy_workspace, place_of_workspace
from koubou.leash.holding import Leashes
from koubou.model.agent import Work

PATCH = "changes.patch"
_COPY = "work"
_BASELINE = "baseline"


class Workplace:
    """One run's. `folder` is the run's own."""

    def __init__(self, folder: str, work: Work, mark: str, leashes: Leashes) -> None:
        self._work = work
        self._mark = mark
        self._leashes = leashes
        self._copy = os.path.join(folder, _COPY)
        self._patch = os.path.join(folder, PATCH)
        self._baseline_folder = os.path.join(folder, _BASELINE)
        self._baseline: Baseline | None = None

    async def prepare(self) -> None:
        """Make the copy, and note how it was; for a run that goes on, put there what the one before it left.

        Raises CannotCopy and OSError.
        """
        work = self._work
        if work.workspace is None:
            os.makedirs(self._copy, mode=0o700, exist_ok=True)
            self._baseline = await take_baseline(self._copy, self._baseline_folder)
            return
        if not work.isolate:
            run = os.path.dirname(self._copy)
            place = await asyncio.to_thread(place_of_workspace, work.workspace, run, roots=work.roots, owner=work.owner)
            self._baseline = await take_baseline(place, self._baseline_folder)
            return
        await copy_workspace(work.workspace, self._copy, roots=work.roots, owner=work.owner)
        self._baseline = await take_baseline(self._copy, self._baseline_folder)
        if work.resumes is not None and os.path.isdir(left := os.path.join(work.resumes, _COPY)):
            shutil.rmtree(self._copy)
            await copy_workspace(left, self._copy, roots=(work.resumes,), owner=None)

    async def collect(self, *, done: bool) -> Mapping[str, Any] | None:
        """What was changed, its patch beside it; once all is `done` the copy goes. None where nothing was begun.

        Raises nothing for a disk at fault: what was paid for is still to be recorded, and the copy stays.
        """
        if self._baseline is None:
            return None
        try:
            changes = await changes_of(self._baseline, self._patch, leashes=self._leashes, mark=self._mark)
        except OSError as error:
            changes = Changes(
                trouble=f"the changes cannot be looked through: {error.strerror or 'the disk is at fault'}"
            )
        if done and self._work.isolate and changes.trouble is None:
            shutil.rmtree(self._copy, ignore_errors=True)
        return {
            "files": [{"path": change.path, "kind": str(change.kind)} for change in changes.files],
            "count": changes.count,
            "patch": PATCH if changes.patch else None,
            "trouble": changes.trouble,
        }
