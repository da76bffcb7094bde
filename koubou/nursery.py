"""`python -m koubou.nursery FD`: has loaded what workers and hands are made of, and forks them as the master asks.

What takes seconds is done once, and its memory is shared. It knows nothing of settings, keys and tasks: whom it forks
is told over a wire of his own. A child comes to the master, who is a subreaper, when the one between has ended; and
that one waits until the master has noted the child, who else would be a stranger to him.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from setproctitle import setproctitle

from koubou import last_words

USUAL = ("koubou.hands.main", "koubou.hands.intake", "koubou.hands.shelving", "koubou.worker.main")
"""What is loaded while nobody asks."""
LARGEST = 64 * 1024
"""Bytes of an order."""
_USAGE = 64
# A signal for the whole group is the master's to answer; when it has gone, the line tells.
_NOT_FOR_US = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

Life = Callable[[], int]
"""What a forked process does, and its exit status."""


def main(arguments: Sequence[str]) -> int:
    """Fork on orders from the descriptor until they end. In whoever is forked it returns that one's own exit status."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        sys.stderr.write("python -m koubou.nursery FD is for the master to start, not for people\n")
        return _USAGE
    for number in _NOT_FOR_US:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the master let some wait while he started
    life = _serve(socket.socket(fileno=int(arguments[0])))
    return 0 if life is None else life()


def _serve(orders: socket.socket) -> Life | None:
    """Until the orders end; in whoever is forked, what he is to do."""
    orders.set_inheritable(False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those between are not waited for
    gc.disable()
    usual = list(USUAL)
    while True:
        if usual and not select.select([orders], [], [], 0)[0]:
            import_module(usual.pop(0))
            continue
        data, descriptors, _, _ = socket.recv_fds(orders, LARGEST, 3, socket.MSG_CMSG_CLOEXEC)
        if not data:
            return None
        order = json.loads(data)
        for name in order["load"]:
            import_module(name)
        gc.collect()
        gc.freeze()  # what is there stays: looking through it would copy it
        with suppress(OSError):  # the machine cannot: the master hears the end of the descriptor that he gave
            if os.fork() == 0:
                orders.close()
                return _bear(order, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _bear(order: dict[str, Any], wire: int, paper: int, told: int) -> Life:
    """Fork whom the order names, tell the master his number, and end when the master has noted it. Returns in him."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = 0
    try:
        pid = os.fork()
    except OSError:
        os._exit(1)
    if pid:
        os.close(wire)
        os.close(paper)
        with suppress(OSError), socket.socket(fileno=told) as master:
            master.send(b"%d" % pid)
            master.recv(1)
        os._exit(0)
    os.close(told)
    os.setsid()
    gc.enable()
    os.environ[last_words.VARIABLE] = str(paper)
    words = [*order["before"], str(wire), *order["after"]]
    sys.argv = [order["module"], *words]
    setproctitle(" ".join([order["module"], *order["before"], *order["after"]]))
    life: Callable[[list[str]], int] = import_module(f"{order['module']}.main").main
    return lambda: life(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
