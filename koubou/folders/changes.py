"""What an agent changed in a folder: a list, and a patch that `git apply` takes where the folder came from.

Git never looks at the folder itself. We compare, we read, and git is told of what differs in its own store: whatever a
workspace holds (hooks, filters, attributes, repositories within), nothing of it is run. Only .gitignore files are read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from koubou.folders.aside import aside
from koubou.folders.copying import FOLDER, Bounds, CannotCopy, Copying, Going, Stopped
from koubou.folders.debris import debris_of, remove_debris
from koubou.folders.git import Git, GitFailed
from koubou.folders.remove import remove_tree
from koubou.folders.stream import MostBytes, Reading, write_stream
from koubou.folders.survey import State, survey
from koubou.leash.holding import Leashes

_LISTED = 1_000
_DOUBT = 50_000_000
"""Nanoseconds: what changed so shortly before may have changed again within one tick of the kernel's clock."""
_OUR_BOUNDS = Bounds()


class ChangeKind(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


class Change(Struct, frozen=True, kw_only=True):
    """One file; bytes of its name that are no UTF-8 are told as \\xNN."""

    path: str
    kind: ChangeKind


class Changes(Struct, frozen=True, kw_only=True):
    """`count` files differ, the first thousand are `files`; what .gitignore names is none of them.

    `patch` is its path; None where nothing differs, or where `trouble` says why there is none.
    """

    files: tuple[Change, ...] = ()
    count: int = 0
    patch: str | None = None
    trouble: str | None = None


class Baseline(Struct, frozen=True, kw_only=True):
    """How a folder stood before an agent was let loose in it. `folder` holds its files, out of the agent's reach."""

    work: str
    folder: str
    states: dict[str, State]
    taken: int
    debris: frozenset[str]
    bounds: Bounds


async def take_baseline(work: str, folder: str, *, bounds: Bounds = _OUR_BOUNDS) -> Baseline:
    """Keep what is needed to tell later what changed in `work`; `folder` is made for it, and holds a second copy.

    Raises CannotCopy; what it began is removed then, as when it is cancelled.
    """
    return await aside(lambda going: _take(work, folder, bounds, going))


async def changes_of(baseline: Baseline, patch: str, *, leashes: Leashes, mark: str) -> Changes:
    """What changed since, and the patch, in a file of this path; the baseline is used up by it, and its folder gone.

    The agent must have ended. What the programs leave behind in `work` is removed first. Raises OSError.
    """
    git = Git(f"{baseline.folder}/git", leashes, mark)
    try:
        differ = await aside(lambda going: _compare(baseline, going))
        ignored = await _ignored(git, baseline, differ)
        found = [each for each in differ if each[0] not in ignored]
        if not found:
            return Changes()
        told = tuple(Change(path=_told(path), kind=kind) for path, kind in found[:_LISTED])
        trouble = await _write_patch(git, baseline, found, patch)
        return Changes(files=told, count=len(found), patch=None if trouble else patch, trouble=trouble)
    except CannotCopy as beyond:
        return Changes(trouble=f"what the agent left cannot be looked through: {beyond}")
    finally:
        await aside(lambda _: remove_tree(baseline.folder))


def _take(work: str, folder: str, bounds: Bounds, going: Going) -> Baseline:
    os.mkdir(folder, 0o700)
    try:
        taken = os.stat(folder).st_ctime_ns
        states = survey(work, bounds, going, [])  # before the copy: what changes between them is compared in the end
        os.mkdir(f"{folder}/before", 0o700)
        here, there = os.open(work, FOLDER), os.open(f"{folder}/before", FOLDER)
        try:
            Copying(bounds, going, without=frozenset({".git"})).copy(here, there)
        finally:
            os.close(here)
            os.close(there)
        Git.make(f"{folder}/git", work)
        return Baseline(work=work, folder=folder, states=states, taken=taken, debris=debris_of(work), bounds=bounds)
    except BaseException:
        remove_tree(folder)
        raise


def _compare(baseline: Baseline, going: Going) -> list[tuple[str, ChangeKind]]:
    remove_debris(baseline.work, baseline.debris)
    shut: list[str] = []
    before, after = baseline.states, survey(baseline.work, baseline.bounds, going, shut)
    found = [(path, ChangeKind.DELETED) for path in before if path not in after and not path.startswith(tuple(shut))]
    found += [(path, ChangeKind.ADDED) for path in after if path not in before]
    reading = Reading(f"{baseline.folder}/before", baseline.work)
    with reading:
        for path in before.keys() & after.keys():
            if not going():
                raise Stopped
            old, new = before[path], after[path]
            if (old != new or old.changed >= baseline.taken - _DOUBT) and not reading.same(path, old, new):
                found.append((path, ChangeKind.MODIFIED))
    return sorted(found)


async def _ignored(git: Git, baseline: Baseline, differ: Sequence[tuple[str, ChangeKind]]) -> frozenset[str]:
    """What .gitignore names and git does not keep: as it was for what was deleted, else as it is now."""
    if not git.has_excludes and not any(
        os.path.basename(path) == ".gitignore" for path in (*baseline.states, *(path for path, _ in differ))
    ):
        return frozenset()
    gone = [path for path, kind in differ if kind is ChangeKind.DELETED]
    here = [path for path, kind in differ if kind is not ChangeKind.DELETED]
    return await git.ignored(f"{baseline.folder}/before", gone) | await git.ignored(baseline.work, here)


async def _write_patch(git: Git, baseline: Baseline, found: Sequence[tuple[str, ChangeKind]], patch: str) -> str | None:
    """Why there is no patch."""
    stream = f"{baseline.folder}/stream"
    old = [path for path, kind in found if kind is not ChangeKind.ADDED]
    new = [path for path, kind in found if kind is not ChangeKind.DELETED]
    try:
        await aside(lambda going: write_stream(stream, f"{baseline.folder}/before", baseline.work, old, new, going))
        await git.compare(stream, patch)
    except MostBytes as beyond:
        return str(beyond)
    except GitFailed as failed:
        return str(failed)
    except PermissionError:
        return "a file that changed may not be read: no patch is made"
    return None


def _told(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
