"""Reading files of a workspace for somebody: step by step, no links, and only what that somebody may read himself."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from msgspec import Struct

from koubou.folders.bounded import SUSPICIOUS, read_bounded

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAY_READ = 4
MAY_WRITE = 2
MAY_PASS = 1
_ODD = frozenset({errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG})
_ACCESS_LIST = "system.posix_acl_access"


class OutOfReach(Exception):
    """A file cannot be attached. `kind` is a stable word; the message says what is wrong without naming the file."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class Reader(Struct, frozen=True, kw_only=True):
    """Somebody for whom files are read."""

    uid: int
    groups: frozenset[int]


def reader(uid: int) -> Reader:
    """Whoever has this uid, with all groups that the machine gives him; asks the user database."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Reader(uid=uid, groups=frozenset())
    return Reader(uid=uid, groups=frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def parts_of(path: str) -> tuple[str, ...]:
    """The names of a relative path. Raises OutOfReach for one that is absolute, empty or goes up."""
    if path.startswith("/"):
        raise OutOfReach("attachment", "must be a path relative to the workspace")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if not parts or ".." in parts:
        raise OutOfReach("attachment", "must stay within the workspace: it cannot be empty or hold ..")
    if any(len(part.encode()) > 200 for part in parts):
        raise OutOfReach("attachment", "has a name of more than 200 bytes")
    return parts


def within(workspace: str, root: str) -> tuple[str, ...] | None:
    """The way from an allowed root to a workspace; None when it does not lie there. Both are absolute paths."""
    ours, theirs = names_of(root), names_of(workspace)
    return theirs[len(ours) :] if theirs[: len(ours)] == ours and ".." not in theirs else None


def names_of(path: str) -> tuple[str, ...]:
    """The names on the way of a path."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


def read_beneath(root: str, parts: tuple[str, ...], who: Reader, limit: int) -> bytes:
    """The bytes of the file at `parts` beneath `root`. Raises OutOfReach. The root itself may be reached by links."""
    way = names_of(os.path.realpath(root))
    try:
        with open_folder((*way, *parts[:-1]), who) as folder:
            descriptor = os.open(parts[-1], SUSPICIOUS, dir_fd=folder)
            try:
                return _read(descriptor, who, limit)
            finally:
                os.close(descriptor)
    except OSError as error:
        _explain(error)


@contextmanager
def open_folder(names: tuple[str, ...], who: Reader) -> Iterator[int]:
    """The descriptor (O_PATH) of a folder, each step from / on open to `who`. Raises OutOfReach and OSError."""
    here = os.open("/", _STEP)
    try:
        _ask(here, who, MAY_PASS)
        for name in names:
            following = os.open(name, _STEP, dir_fd=here)
            os.close(here)
            here = following
            _ask(here, who, MAY_PASS)
        yield here
    finally:
        os.close(here)


def may(descriptor: int, who: Reader, wanted: int) -> bool:
    """Whether the modes let `who` do this. Where an access list may say otherwise, its owner alone passes."""
    found = os.fstat(descriptor)
    if who.uid == 0:
        return True
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == who.uid:
        granted = mode >> 6
    elif _has_access_list(descriptor):
        granted = 0
    elif found.st_gid in who.groups:
        granted = mode >> 3
    else:
        granted = mode
    return granted & wanted == wanted


def _read(descriptor: int, who: Reader, limit: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OutOfReach("file_type", "is no regular file")
    _ask(descriptor, who, MAY_READ)
    if found.st_size > limit:
        raise _too_large()
    data = read_bounded(descriptor, found.st_size, limit)
    if data is None:
        raise _too_large()
    return data


def _ask(descriptor: int, who: Reader, wanted: int) -> None:
    if not may(descriptor, who, wanted):
        raise OutOfReach("permission", "may not be read by whoever dropped this task file")


def _has_access_list(descriptor: int) -> bool:
    try:
        return _ACCESS_LIST in os.listxattr(f"/proc/self/fd/{descriptor}")  # the descriptor alone may be O_PATH
    except OSError:
        return False  # this file system has none


def _too_large() -> OutOfReach:
    return OutOfReach("size", "is too large: prompt_file and files together pass the limit")


def _explain(error: OSError) -> NoReturn:
    match error:
        case FileNotFoundError():
            raise OutOfReach("attachment", "is not there") from None
        case PermissionError():
            raise OutOfReach("permission", "may not be read by the workshop: let its user or group read it") from None
        case NotADirectoryError():
            raise OutOfReach("file_type", "leads through something that is no folder, or a link") from None
    if error.errno in _ODD:
        raise OutOfReach("file_type", "is a link, no regular file, or has too long a name") from None
    raise error
