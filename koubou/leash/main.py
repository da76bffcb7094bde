"""The process: set up so that it cannot outlive its parent; hears the orders, then holds the command to the end."""

from __future__ import annotations

import os
import resource
import signal
import sys

from koubou.leash.hold import Hold
from koubou.leash.kernel import become_subreaper, die_with_parent
from koubou.leash.line import Line

_USAGE = 64
_PRIVATE_UMASK = 0o077


def main(arguments: list[str]) -> int:
    """Hold one command: `arguments` are the descriptor of the line and the parent's number. The status says nothing."""
    if len(arguments) != 2 or not all(word.isdecimal() for word in arguments):
        sys.stderr.write("koubou.leash is for a worker to start, not for people\n")
        return _USAGE
    wire, parent = map(int, arguments)
    os.set_inheritable(wire, False)
    line = Line(wire, wakeup=_prepare())
    become_subreaper()
    if not die_with_parent(signal.SIGTERM, parent):
        return 0
    orders = line.orders()
    if orders is not None:
        Hold(orders, line, parent=parent).until_over()
    return 0


def _prepare() -> int:
    """Signals wake the loop and do nothing else; those that are meant for others are not heard. What wakes it."""
    os.umask(_PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading
