"""What others could read or replace of the vault: told and not refused, for the keys themselves are still sealed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


class Exposed(Struct, frozen=True, kw_only=True):
    """What is so, and what to do about it."""

    says: str
    remedy: str


def exposed_files(folder: str) -> Iterator[Exposed]:
    """The sealed files that others could read, were it not for their folder. Raises OSError."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            says = f"{entry.path}: others may read or change it ({stat.S_IMODE(mode):04o})"
            yield Exposed(says=says, remedy=f"chmod 600 {entry.path}")


def exposed_way_to(file: str) -> Iterator[Exposed]:
    """The folders above the key in which others could put another in its place. Raises OSError."""
    real = Path(os.path.realpath(file))
    if not real.exists():
        return
    for folder in real.parents:
        found = folder.stat()
        if _lets_others_replace(found):
            says = f"{folder}: others may take the key {file} away ({stat.S_IMODE(found.st_mode):04o})"
            yield Exposed(says=says, remedy=f"chmod go-w {folder}")


def _lets_others_replace(folder: os.stat_result) -> bool:
    """With the sticky bit one replaces only what is one's own; a user's own group has, by custom, his own number."""
    by_group = folder.st_mode & 0o020 and folder.st_gid not in (0, folder.st_uid)
    return bool(folder.st_mode & 0o002 or by_group) and not folder.st_mode & stat.S_ISVTX
