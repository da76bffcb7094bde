"""The bell: SIGUSR1 to the master means "look, something is finished". It carries nothing; no logic depends on it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct

_CREDENTIALS = struct.Struct("3i")


class Bell:
    """Rings at the process that made the wire, if that is our parent; silent otherwise. A pidfd, never a PID."""

    def __init__(self, wire: socket.socket) -> None:
        # Who made the socket pair is told by the kernel: a parent that died and was replaced cannot be mistaken for it.
        credentials = wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        master, _, _ = _CREDENTIALS.unpack(credentials)
        self._master: int | None = None
        if master == os.getppid():
            with contextlib.suppress(OSError):
                self._master = os.pidfd_open(master)

    def ring(self) -> None:
        """Ring once; about a microsecond."""
        if self._master is not None:
            with contextlib.suppress(OSError):  # the master is gone: the wire tells
                signal.pidfd_send_signal(self._master, signal.SIGUSR1)
