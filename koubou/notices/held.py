"""`python -P -m koubou.notices.held PARENT COMMAND…`: runs a command; all that it started ends with it, or with us."""

from __future__ import annotations

import os
import signal
import sys
import time

from koubou.leash import tree
from koubou.leash.child import default_signals
from koubou.leash.kernel import become_subreaper, die_with_parent

_NOT_FOUND = 127
_BY_SIGNAL = 128
_AGAIN = 0.005
_HEARD = {signal.SIGTERM, signal.SIGCHLD}


def main(parent: int, argv: list[str]) -> int:
    """Until the command has ended, or SIGTERM comes: from the master, or because he has gone. As a shell tells it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    become_subreaper()
    if not die_with_parent(signal.SIGTERM, parent):
        return _BY_SIGNAL + signal.SIGTERM
    ours = os.getpid()
    command = os.fork()  # we have one thread
    if command == 0:
        _become(argv, ours)
    os.close(sys.stdin.fileno())
    while (status := _status_of(command)) is None and signal.sigwait(_HEARD) != signal.SIGTERM:
        pass
    while not tree.reap_everybody():  # whoever lost its parent below us is our child
        tree.kill_all(tree.descendants())
        time.sleep(_AGAIN)
    return _BY_SIGNAL + signal.SIGTERM if status is None else status


def _become(argv: list[str], parent: int) -> None:
    """In the child: never returns."""
    try:
        os.setsid()
        if die_with_parent(signal.SIGKILL, parent):
            default_signals()
            os.execvp(argv[0], argv)  # noqa: S606 - a shell is what we do not want
    finally:
        os._exit(_NOT_FOUND)


def _status_of(command: int) -> int | None:
    """How the command has ended; None while it has not."""
    found = os.waitid(os.P_PID, command, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else _BY_SIGNAL + found.si_status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
