"""The copy of a workspace that an agent works in."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from koubou.folders.aside import aside
from koubou.folders.beneath import MAY_READ, MAY_WRITE, OutOfReach, Reader, may, names_of, open_folder, reader, within
from koubou.folders.copying import FOLDER, Bounds, CannotCopy, Copied, Copying
from koubou.folders.remove import remove_tree

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_OUR_BOUNDS = Bounds()


async def copy_workspace(
    source: str, target: str, *, roots: Sequence[str], owner: int | None, bounds: Bounds = _OUR_BOUNDS
) -> Copied:
    """Copy a workspace into a new folder, in a thread: files, folders and links with their times and x-bits.

    It must lie under one of `roots`, which alone may be reached by links, and `owner` (a uid; None: we ourselves) must
    be able to read it; what he cannot read in it is left out. Links are copied and never followed; hard links are
    never made. Raises CannotCopy, and removes what it began then, as when it is cancelled.
    """
    who = None if owner is None else reader(owner)
    return await aside(lambda going: _copy(source, target, roots, who, Copying(bounds, going, who)))


def place_of_workspace(source: str, run: str, *, roots: Sequence[str], owner: int | None) -> str:
    """The real path of a workspace that is to be worked in itself, which its owner must be able to read and write.

    `run` is the run's folder, which must not lie in it. What is found holds at this moment: who may rename the folders
    on the way can put another there afterwards, so such workspaces are for owners whom the operator trusts. Raises
    CannotCopy.
    """
    way = _way(source, run, roots)
    who = _ourselves() if owner is None else reader(owner)
    try:
        with open_folder(way, who) as found:
            if not may(found, who, MAY_READ | MAY_WRITE):
                raise OutOfReach("permission", "may not be written by whoever dropped this task file")
    except (OutOfReach, OSError) as error:
        raise _why(error) from None
    return "/" + "/".join(way)


def _ourselves() -> Reader:
    return Reader(uid=0, groups=frozenset())  # the kernel asks the modes for us


def _copy(source: str, target: str, roots: Sequence[str], who: Reader | None, copying: Copying) -> Copied:
    way = _way(source, target, roots)
    os.mkdir(target, 0o700)
    try:
        with open_folder(way, who or _ourselves()) as found:
            if who is not None and not may(found, who, MAY_READ):
                raise OutOfReach("permission", "may not be read by whoever dropped this task file")
            here, there = os.open(".", FOLDER, dir_fd=found), os.open(target, FOLDER)
        try:
            return copying.copy(here, there)
        finally:
            os.close(here)
            os.close(there)
    except BaseException as error:
        remove_tree(target)
        if isinstance(error, OutOfReach | OSError):
            raise _why(error) from None
        raise


def _way(source: str, target: str, roots: Sequence[str]) -> tuple[str, ...]:
    """The names from / to the workspace, once its root is known."""
    for root in roots:
        if (way := within(source, root)) is not None:
            names = (*names_of(os.path.realpath(root)), *way)
            if names_of(os.path.realpath(target))[: len(names)] == names:
                raise CannotCopy("outside", "the workspace holds the workshop itself: name another folder")
            return names
    raise CannotCopy("outside", "the workspace lies under none of the allowed roots: see security.allowed_workspaces")


def _why(error: OutOfReach | OSError) -> CannotCopy:
    match error:
        case OutOfReach():
            return CannotCopy("permission", f"the workspace {error}")
        case PermissionError():
            return CannotCopy("permission", "the workshop may not read the workspace: let its group read it")
        case FileNotFoundError() | NotADirectoryError():
            return CannotCopy("missing", "the workspace is no folder, or is reached by a link: give its real path")
        case _ if error.errno in _NO_ROOM:
            return CannotCopy("disk", "no room for a copy of the workspace: make some, or name a smaller folder")
    return CannotCopy("disk", f"the workspace cannot be copied: {error.strerror}")
