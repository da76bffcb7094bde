"""How a tree of folders stands: enough of each file to see later that it may have been changed."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from koubou.folders.copying import FOLDER, Bounds, CannotCopy, Going, Stopped

EXECUTABLE, PLAIN, LINK = "100755", "100644", "120000"
"""Modes as git writes them."""


class State(Struct, frozen=True, kw_only=True, gc=False):
    """A file or link. A process that is not root cannot set `changed` (ctime, nanoseconds) back."""

    mode: str
    size: int
    modified: int
    changed: int
    number: int


def is_of_git(name: str) -> bool:
    """Whether this is, or passes on some machine for, a folder of git's own: no patch may reach into it."""
    return name.lower() in (".git", "git~1")


def survey(root: str, bounds: Bounds, going: Going, shut: list[str]) -> dict[str, State]:
    """The files and links beneath a folder by their ways from there, but for what is git's own.

    `shut` is given the ways of the folders that we may not look into: what they hold is not known.
    Raises CannotCopy beyond the bounds, Stopped, OSError.
    """
    found: dict[str, State] = {}
    top = os.open(root, FOLDER)
    try:
        _Survey(bounds, going, found, shut).look(top, "", 0)
    finally:
        os.close(top)
    return found


class _Survey:
    def __init__(self, bounds: Bounds, going: Going, found: dict[str, State], shut: list[str]) -> None:
        self._bounds = bounds
        self._going = going
        self._found = found
        self._shut = shut

    def look(self, folder: int, way: str, depth: int) -> None:
        if depth > self._bounds.depth:
            raise CannotCopy("depth", f"it is more than {self._bounds.depth} folders deep")
        with os.scandir(folder) as entries:
            for entry in entries:
                if not self._going():
                    raise Stopped
                if is_of_git(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    self._descend(folder, entry.name, f"{way}{entry.name}/", depth)
                elif (state := _state(entry)) is not None:
                    self._found[way + entry.name] = state
                    if len(self._found) > self._bounds.files:
                        raise CannotCopy("files", f"it holds more than {self._bounds.files:,} files")

    def _descend(self, folder: int, name: str, way: str, depth: int) -> None:
        try:
            here = os.open(name, FOLDER, dir_fd=folder)
        except PermissionError:
            self._shut.append(way)
            return
        except OSError:  # it has gone
            return
        try:
            self.look(here, way, depth + 1)
        finally:
            os.close(here)


def _state(entry: os.DirEntry[str]) -> State | None:
    """None for devices and the like, and for what has gone."""
    try:
        seen = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISLNK(seen.st_mode):
        mode = LINK
    elif stat.S_ISREG(seen.st_mode):
        mode = EXECUTABLE if seen.st_mode & stat.S_IXUSR else PLAIN
    else:
        return None
    return State(mode=mode, size=seen.st_size, modified=seen.st_mtime_ns, changed=seen.st_ctime_ns, number=seen.st_ino)
