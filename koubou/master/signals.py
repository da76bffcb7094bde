"""The master's signals while it starts: they wait, above all the emergency stop, until somebody can hear them."""

from __future__ import annotations

import signal

_WAITING = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def hold_signals() -> None:
    """The first act of the process, before anything that takes time: let none of them end it.

    SIGTERM and SIGINT end it at once and without a word, as long as there is nothing to drain.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITING)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def release_signals() -> None:
    """Hear what has waited, and what comes; before the first child is started, which would wait for ever as well."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITING)
