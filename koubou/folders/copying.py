"""Copying a tree of folders for somebody: within bounds, no link followed, nothing that he may not read himself."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable

from msgspec import Struct

from koubou.errors import KoubouError
from koubou.folders.beneath import MAY_PASS, MAY_READ, Reader, may
from koubou.folders.bounded import SUSPICIOUS

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CLONE = 0x40049409  # FICLONE of linux/fs.h, ioctl_ficlone(2)
_PIECE = 8 * 1024 * 1024
_GONE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR, errno.EACCES, errno.EPERM})
"""What somebody took away, or made into something else, while it was copied; what even we may not read."""

Going = Callable[[], bool]
"""Asked every few milliseconds by what takes long; False: it is wanted no more."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How large a workspace may be: files and links and folders together, bytes, folders deep."""

    files: int = 200_000
    bytes: int = 4 * 1024 * 1024 * 1024
    depth: int = 64


class Copied(Struct, frozen=True, kw_only=True):
    """What was copied. `left_out` counts devices, pipes, sockets and what may not be read."""

    files: int
    folders: int
    links: int
    bytes: int
    left_out: int


class CannotCopy(KoubouError):
    """A workspace cannot be copied. `kind` is a stable word: outside missing permission files bytes depth disk."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class Stopped(Exception):
    """It is wanted no more."""


class Copying:
    """One copy being made, for `who` (None: for ourselves); names in `without` are left out wherever they are."""

    def __init__(self, bounds: Bounds, going: Going, who: Reader | None = None, without: frozenset[str] = frozenset()):
        self._bounds = bounds
        self._going = going
        self._who = who
        self._without = without
        self._clones = True
        self._files = self._folders = self._links = self._bytes = self._left_out = 0

    def copy(self, source: int, target: int) -> Copied:
        """Copy what a folder holds into an empty one. Raises CannotCopy, Stopped, OSError."""
        self._copy_folder(source, target, 0)
        return Copied(
            files=self._files,
            folders=self._folders,
            links=self._links,
            bytes=self._bytes,
            left_out=self._left_out,
        )

    def _copy_folder(self, source: int, target: int, depth: int) -> None:
        if depth > self._bounds.depth:
            raise _beyond("depth", f"is more than {self._bounds.depth} folders deep")
        with os.scandir(source) as entries:
            for entry in entries:
                if entry.name not in self._without:
                    self._copy_entry(entry, source, target, depth)

    def _copy_entry(self, entry: os.DirEntry[str], source: int, target: int, depth: int) -> None:
        if not self._going():
            raise Stopped
        if self._files + self._folders + self._links >= self._bounds.files:
            raise _beyond("files", f"holds more than {self._bounds.files:,} files")
        if entry.is_symlink():
            self._copy_link(entry.name, source, target)
        elif entry.is_dir(follow_symlinks=False):
            self._descend(entry.name, source, target, depth)
        elif entry.is_file(follow_symlinks=False):
            self._copy_file(entry.name, source, target)
        else:
            self._left_out += 1

    def _copy_link(self, name: str, source: int, target: int) -> None:
        try:
            leads_to = os.readlink(name, dir_fd=source)
        except OSError:
            self._left_out += 1
            return
        os.symlink(leads_to, name, dir_fd=target)
        self._links += 1

    def _descend(self, name: str, source: int, target: int, depth: int) -> None:
        here = self._open(name, FOLDER, source, MAY_READ | MAY_PASS)
        if here is None:
            return
        try:
            found = os.fstat(here)
            os.mkdir(name, 0o700, dir_fd=target)
            there = os.open(name, FOLDER, dir_fd=target)
            try:
                self._folders += 1
                self._copy_folder(here, there, depth + 1)
                _make_alike(there, found, 0o700)
            finally:
                os.close(there)
        finally:
            os.close(here)

    def _copy_file(self, name: str, source: int, target: int) -> None:
        here = self._open(name, SUSPICIOUS, source, MAY_READ)
        if here is None:
            return
        try:
            found = os.fstat(here)
            if not stat.S_ISREG(found.st_mode):
                self._left_out += 1
                return
            self._count(found.st_size)
            there = os.open(name, _NEW, 0o600, dir_fd=target)
            try:
                self._copy_bytes(here, there, found.st_size)
                _make_alike(there, found, 0o600)
            finally:
                os.close(there)
            self._files += 1
        finally:
            os.close(here)

    def _open(self, name: str, flags: int, folder: int, wanted: int) -> int | None:
        """Its descriptor; None for what has gone meanwhile, or may not be read: it is left out."""
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._left_out += 1
            return None
        if self._who is not None and not may(descriptor, self._who, wanted):
            os.close(descriptor)
            self._left_out += 1
            return None
        return descriptor

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._bounds.bytes:
            raise _beyond("bytes", f"holds more than {self._bounds.bytes // (1024 * 1024):,} MB")

    def _copy_bytes(self, source: int, target: int, size: int) -> None:
        """The same blocks of disk where the file system can share them until one side is written to."""
        if self._clones and size:
            try:
                fcntl.ioctl(target, _CLONE, source)
            except OSError:
                self._clones = False  # this file system cannot, or these are two
            else:
                return
        # No more than it had when it was counted: one that grows for ever has an end here.
        left = size
        while left and (moved := os.sendfile(target, source, None, min(left, _PIECE))):
            left -= moved
            if not self._going():
                raise Stopped


def _make_alike(descriptor: int, found: os.stat_result, at_least: int) -> None:
    """Its times, and its mode without setuid and the like."""
    os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & 0o777 | at_least)
    os.utime(descriptor, ns=(found.st_atime_ns, found.st_mtime_ns))


def _beyond(kind: str, what: str) -> CannotCopy:
    return CannotCopy(kind, f"the workspace {what}: name a smaller folder, or raise its bound in the settings")
