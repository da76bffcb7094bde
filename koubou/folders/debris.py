"""The empty folders that agents leave in a workspace: mount points of their sandboxes, settings that hold nothing."""

from __future__ import annotations

import os
from contextlib import suppress

from koubou.folders.copying import FOLDER

_NAMES = (".agents", ".aws", ".claude", ".codex", ".git")
_DEEP = 8


def debris_of(work: str) -> frozenset[str]:
    """Which of these names are there already, and are no debris."""
    return frozenset(name for name in _NAMES if os.path.lexists(f"{work}/{name}"))


def remove_debris(work: str, there_before: frozenset[str]) -> None:
    """Remove those that were not there before and hold nothing but empty folders; no link is followed."""
    top = os.open(work, FOLDER)
    try:
        for name in _NAMES:
            if name not in there_before:
                with suppress(OSError):  # it is not there, or is no debris
                    _remove_empty(top, name, _DEEP)
    finally:
        os.close(top)


def _remove_empty(folder: int, name: str, deep: int) -> None:
    """Raises OSError for what is no folder, or holds anything."""
    here = os.open(name, FOLDER, dir_fd=folder)
    try:
        for inner in os.listdir(here) if deep else ():
            _remove_empty(here, inner, deep - 1)
    finally:
        os.close(here)
    os.rmdir(name, dir_fd=folder)
