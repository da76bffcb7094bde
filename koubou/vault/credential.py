"""Reading a systemd credential: the service manager puts each as a file into a folder that only the service sees."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

_LONGEST = 10_000


def read_credential(name: str, environ: Mapping[str, str]) -> bytes | None:
    """Its content; None where the manager gave none of this name.

    Links are not followed. Raises OSError for what cannot be read, ValueError for what is no regular file.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    try:
        descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("is not a regular file")
        return file.read(_LONGEST + 1)
