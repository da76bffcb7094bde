"""Reading plain files and no more of them than is allowed, whatever somebody does to them meanwhile."""

from __future__ import annotations

import errno
import os
import stat

SUSPICIOUS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How to open what others made: no links, and no waiting for the other end of a pipe."""

_CHUNK = 1 << 16
_NO_PLAIN_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


def read_bounded(descriptor: int, size: int, limit: int) -> bytes | None:
    """Everything that can be read, None when it is more than `limit`; `size` is what fstat said. Raises OSError."""
    data = os.read(descriptor, min(size, limit) + 1)
    while len(data) <= limit and (more := os.read(descriptor, _CHUNK)):
        data += more
    return data if len(data) <= limit else None


def read_small(path: str | bytes, limit: int) -> bytes | None:
    """The bytes of a file; None when it is not there, is no plain file or is larger. Raises OSError."""
    try:
        descriptor = os.open(path, SUSPICIOUS)
    except OSError as error:
        if error.errno in _NO_PLAIN_FILE:
            return None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return None
        return read_bounded(descriptor, found.st_size, limit)
    finally:
        os.close(descriptor)
