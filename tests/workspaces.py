"""What tests of workspaces share: trees as values, runs of the code under test, and git as a user calls it."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

from koubou.folders.changes import Baseline, Changes, changes_of, take_baseline
from koubou.folders.copying import Copied
from koubou.folders.workspace import copy_workspace
from koubou.leash.holding import Leashes
from koubou.leash.mark import mark_of


def tree(root: Path) -> dict[bytes, tuple[str, bytes]]:
    """Files and links of a tree but for .git: what they are, and what is in them."""
    found: dict[bytes, tuple[str, bytes]] = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        folders[:] = [name for name in folders if name != b".git"]
        for name in (*names, *folders):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            way = os.path.relpath(path, os.fsencode(root))
            if stat.S_ISLNK(mode):
                found[way] = ("link", os.readlink(path))
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    found[way] = ("program" if mode & 0o100 else "file", file.read())
    return found


def copied(source: Path, target: Path, **options: Any) -> Copied:
    given = {"roots": (str(source.parent),), "owner": None, **options}
    return asyncio.run(copy_workspace(str(source), str(target), **given))


def baseline(work: Path, folder: Path, **options: Any) -> Baseline:
    return asyncio.run(take_baseline(str(work), str(folder), **options))


def changes(taken: Baseline, patch: Path) -> Changes:
    async def ask() -> Changes:
        mark = mark_of(str(patch.parent), "worker-1", "task", 1)
        return await changes_of(taken, str(patch), leashes=Leashes(), mark=mark)

    return asyncio.run(ask())


def git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Git as a person calls it there."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, (words, done.stderr)
    return done
