"""The process of a hand: closes what could leak, then serves on the descriptor it was given."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys

from koubou import last_words
from koubou.hands.line import Line

_USAGE = 64
_PRIVATE_UMASK = 0o077
_VALUES_BETWEEN_COLLECTIONS = 50_000


def main(arguments: list[str]) -> int:
    """Serve as the hand named first on the descriptor named second, until the wire ends."""
    if len(arguments) != 2 or arguments[0] not in ("intake", "shelving") or not arguments[1].isdecimal():
        sys.stderr.write("python -m koubou.hands intake|shelving FD is for the master to start, not for people\n")
        return _USAGE
    last_words.listen()
    # A signal for the whole group is the master's to answer; when it has gone, the wire tells.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(_PRIVATE_UMASK)
    wire = socket.socket(fileno=int(arguments[1]))
    wire.set_inheritable(False)
    if arguments[0] == "intake":
        from koubou.hands.intake import serve
    else:
        from koubou.hands.shelving import serve
    gc.freeze()
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS, 10, 10)
    serve(Line(wire))
    return 0
