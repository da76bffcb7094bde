"""Writing files so that a reader sees all of one or none, also after the power was cut."""

from __future__ import annotations

import ctypes
import errno
import os

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def write_whole(path: bytes, data: bytes, mode: int = 0o600) -> None:
    """Put a file there at one stroke: hidden name beside it, fsync, rename. The folder is the caller's to sync."""
    folder, name = os.path.split(path)
    hidden = folder + b"/." + name + b".tmp"
    write_synced(hidden, data, mode)
    os.rename(hidden, path)


def write_synced(path: bytes, data: bytes, mode: int = 0o600, flags: int = _NEW) -> None:
    """Write a file and wait until the disk has it. `mode` is set whatever the umask says."""
    descriptor = os.open(path, flags, 0o600)
    try:
        write_all(descriptor, data)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_plain(path: bytes, data: bytes, mode: int = 0o600) -> None:
    """Write a file that can be made again: the disk may have it later."""
    descriptor = os.open(path, _NEW, 0o600)
    try:
        write_all(descriptor, data)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(path: str | bytes) -> None:
    """Wait until the disk has the names of a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_new(old: bytes, new: bytes) -> None:
    """Rename, but never over something that is there: FileExistsError then. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return _link_new(old, new)
    if libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE) == 0:
        return None
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS):  # the file system or the kernel does not know how
        return _link_new(old, new)
    raise OSError(code, os.strerror(code), os.fsdecode(old))


def _link_new(old: bytes, new: bytes) -> None:
    if os.path.isdir(old) and not os.path.islink(old):
        os.rename(old, new)  # a folder goes only over an empty one
        return
    os.link(old, new, follow_symlinks=False)
    os.unlink(old)
