"""`python -m koubou.notices.held PARENT COMMAND…`: becomes the command, which ends when the master does."""

from __future__ import annotations

import os
import signal
import sys

from koubou.leash.kernel import die_with_parent

_NOT_FOUND = 127

if __name__ == "__main__":
    if die_with_parent(signal.SIGKILL, int(sys.argv[1])):
        try:
            os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - a shell is what we do not want
        except OSError:
            sys.exit(_NOT_FOUND)
