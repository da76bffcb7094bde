"""Letting the submitter, and nobody else, read what was filed away for him: POSIX access lists."""

from __future__ import annotations

import errno
import os
import stat
import struct

_LIST = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_NOBODY = 0xFFFFFFFF
# Tags of the kernel's linux/posix_acl.h; entries stand in this order.
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_READ, _PASS = 4, 1
_NO_LISTS_HERE = frozenset({errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EPERM})


def let_read(path: str, uid: int) -> bool:
    """Give this uid the right to read a file or list a folder of ours; False where the file system has no such lists.

    Root and we ourselves need none. Doing it again does nothing. Raises other OSErrors.
    """
    if uid in (0, os.geteuid()):
        return True
    mode = os.lstat(path).st_mode
    wanted = _READ | (_PASS if stat.S_ISDIR(mode) else 0)
    entries = (
        (_OWNER, mode >> 6 & 7, _NOBODY),
        (_USER, wanted, uid),
        (_GROUP, 0, _NOBODY),
        (_MASK, wanted, _NOBODY),
        (_OTHER, 0, _NOBODY),
    )
    try:
        os.setxattr(path, _LIST, _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries), follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LISTS_HERE:
            return False
        raise
    return True
